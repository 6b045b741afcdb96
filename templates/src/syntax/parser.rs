//! Tokens to trees, with Go's rules of what may stand where.

use super::{Branch, Command, Lexer, Node, Number, Offset, Operand, OperandKind, Pipeline, Token, TokenKind, Trees};
use crate::functions::{self, Function};
use crate::unquote::{unquote, unquote_character};

/// Blocks and parentheses nested deeper than this are refused.
const MAX_DEPTH: usize = 100;

/// Where and why a source is no template.
pub(crate) type Failure = (Offset, String);

/// Parses a source into all its named templates.
///
/// # Errors
/// The first thing that Go's parser would refuse, and functions nobody knows.
pub(crate) fn parse(source: &str, left: &str, right: &str) -> Result<Trees, Failure> {
    let tokens = Lexer::tokenize(source, left, right)?;
    let mut parser = Parser { tokens, next: 0, trees: Trees::new(), scope: Scope::default(), depth: 0 };
    let mut main = Vec::new();
    loop {
        if parser.peek().kind == TokenKind::End {
            break;
        }
        if parser.at_define() {
            parser.definition()?;
            continue;
        }
        match parser.text_or_action()? {
            Item::Node(node) => main.push(node),
            Item::End(at) => return Err((at, "unexpected {{end}}".to_owned())),
            Item::Else(at) => return Err((at, "unexpected {{else}}".to_owned())),
        }
    }
    parser.add(0, String::new(), main)?;
    Ok(parser.trees)
}

enum Item {
    Node(Node),
    End(Offset),
    Else(Offset),
}

/// What a template body may refer to.
struct Scope {
    variables: Vec<String>,
    ranges: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self { variables: vec!["$".to_owned()], ranges: 0 }
    }
}

struct Parser<'s> {
    tokens: Vec<Token<'s>>,
    next: usize,
    trees: Trees,
    scope: Scope,
    depth: usize,
}

impl<'s> Parser<'s> {
    fn peek(&self) -> Token<'s> {
        let end = Token { kind: TokenKind::End, at: 0, text: "" };
        self.tokens.get(self.next).or_else(|| self.tokens.last()).copied().unwrap_or(end)
    }

    fn take(&mut self) -> Token<'s> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn skip_space(&mut self) {
        while self.peek().kind == TokenKind::Space {
            self.next += 1;
        }
    }

    fn peek_word(&mut self) -> Token<'s> {
        self.skip_space();
        self.peek()
    }

    fn take_word(&mut self) -> Token<'s> {
        self.skip_space();
        self.take()
    }

    fn expect(&mut self, kind: TokenKind, context: &str) -> Result<Token<'s>, Failure> {
        let token = self.take_word();
        if token.kind == kind { Ok(token) } else { Err(unexpected(token, context)) }
    }

    fn at_keyword(&self, word: &str) -> bool {
        let token = self.peek();
        token.kind == TokenKind::Keyword && token.text == word
    }

    fn at_define(&mut self) -> bool {
        if self.peek().kind != TokenKind::LeftDelim {
            return false;
        }
        let start = self.next;
        self.next += 1;
        self.skip_space();
        let found = self.at_keyword("define");
        if !found {
            self.next = start;
        }
        found
    }

    fn enter(&mut self, at: Offset) -> Result<(), Failure> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err((at, format!("blocks or parentheses are nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    /// Like Go, an empty body neither replaces nor collides.
    fn add(&mut self, at: Offset, name: String, body: Vec<Node>) -> Result<(), Failure> {
        match self.trees.get(&name) {
            Some(existing) if !is_empty(existing) => {
                if is_empty(&body) {
                    return Ok(());
                }
                Err((at, format!("the template {name:?} is defined more than once")))
            }
            _ => {
                self.trees.insert(name, body);
                Ok(())
            }
        }
    }

    fn definition(&mut self) -> Result<(), Failure> {
        let keyword = self.take();
        let name = self.template_name("define clause")?;
        self.expect(TokenKind::RightDelim, "define clause")?;
        let outer = std::mem::take(&mut self.scope);
        let (body, stop) = self.body()?;
        self.scope = outer;
        match stop {
            Item::End(_) => self.add(keyword.at, name, body),
            _ => Err((keyword.at, "unexpected {{else}} in a define clause".to_owned())),
        }
    }

    fn template_name(&mut self, context: &str) -> Result<String, Failure> {
        let token = self.take_word();
        match token.kind {
            TokenKind::Str | TokenKind::Raw => Ok(String::from_utf8_lossy(&literal(token)?).into_owned()),
            _ => Err(unexpected(token, context)),
        }
    }

    /// Nodes up to `{{end}}` or `{{else}}`.
    fn body(&mut self) -> Result<(Vec<Node>, Item), Failure> {
        self.enter(self.peek().at)?;
        let mut nodes = Vec::new();
        loop {
            if self.peek().kind == TokenKind::End {
                return Err((self.peek().at, "unexpected end of the template: an {{end}} is missing".to_owned()));
            }
            match self.text_or_action()? {
                Item::Node(node) => nodes.push(node),
                stop => {
                    self.depth -= 1;
                    return Ok((nodes, stop));
                }
            }
        }
    }

    fn text_or_action(&mut self) -> Result<Item, Failure> {
        let token = self.take_word();
        match token.kind {
            TokenKind::Text => Ok(Item::Node(Node::Text(token.text.into()))),
            TokenKind::LeftDelim => self.action(),
            _ => Err(unexpected(token, "input")),
        }
    }

    fn action(&mut self) -> Result<Item, Failure> {
        let token = self.peek_word();
        if token.kind != TokenKind::Keyword {
            return Ok(Item::Node(Node::Action(self.pipeline("command", TokenKind::RightDelim)?)));
        }
        self.next += 1;
        let node = match token.text {
            "end" => {
                self.expect(TokenKind::RightDelim, "end")?;
                return Ok(Item::End(token.at));
            }
            "else" => {
                // `else if` and `else with` are read by the branch they belong to.
                let next = self.peek_word();
                if !(next.kind == TokenKind::Keyword && matches!(next.text, "if" | "with")) {
                    self.expect(TokenKind::RightDelim, "else")?;
                }
                return Ok(Item::Else(token.at));
            }
            "if" => Node::If(self.branch("if", token.at)?),
            "with" => Node::With(self.branch("with", token.at)?),
            "range" => Node::Range(self.branch("range", token.at)?),
            "template" => self.template_call(token.at)?,
            "block" => self.block(token.at)?,
            "break" => self.jump(token, Node::Break)?,
            "continue" => self.jump(token, Node::Continue)?,
            _ => return Err(unexpected(token, "command")),
        };
        Ok(Item::Node(node))
    }

    fn branch(&mut self, context: &'static str, at: Offset) -> Result<Branch, Failure> {
        let variables = self.scope.variables.len();
        let condition = self.pipeline(context, TokenKind::RightDelim)?;
        let ranges = usize::from(context == "range");
        self.scope.ranges += ranges;
        let (body, stop) = self.body()?;
        self.scope.ranges -= ranges;
        let otherwise = match stop {
            Item::Else(else_at) => Some(self.otherwise(context, else_at)?),
            _ => None,
        };
        self.scope.variables.truncate(variables);
        Ok(Branch { at, condition, body, otherwise })
    }

    fn otherwise(&mut self, context: &'static str, else_at: Offset) -> Result<Vec<Node>, Failure> {
        if matches!(context, "if" | "with") && self.at_keyword(context) {
            let token = self.take();
            self.enter(token.at)?;
            let inner = self.branch(context, token.at)?;
            self.depth -= 1;
            return Ok(vec![if context == "if" { Node::If(inner) } else { Node::With(inner) }]);
        }
        match self.body()? {
            (nodes, Item::End(_)) => Ok(nodes),
            _ => Err((else_at, "expected {{end}} after {{else}}, found another {{else}}".to_owned())),
        }
    }

    fn jump(&mut self, token: Token<'s>, node: Node) -> Result<Node, Failure> {
        self.expect(TokenKind::RightDelim, token.text)?;
        if self.scope.ranges == 0 {
            return Err((token.at, format!("{{{{{}}}}} outside of {{{{range}}}}", token.text)));
        }
        Ok(node)
    }

    fn template_call(&mut self, at: Offset) -> Result<Node, Failure> {
        let name = self.template_name("template clause")?;
        if self.peek_word().kind == TokenKind::RightDelim {
            self.next += 1;
            return Ok(Node::Template { at, name, argument: None });
        }
        let argument = Some(self.pipeline("template clause", TokenKind::RightDelim)?);
        Ok(Node::Template { at, name, argument })
    }

    fn block(&mut self, at: Offset) -> Result<Node, Failure> {
        let name = self.template_name("block clause")?;
        let argument = Some(self.pipeline("block clause", TokenKind::RightDelim)?);
        let outer = std::mem::take(&mut self.scope);
        let (body, stop) = self.body()?;
        self.scope = outer;
        if !matches!(stop, Item::End(_)) {
            return Err((at, "unexpected {{else}} in a block clause".to_owned()));
        }
        self.add(at, name.clone(), body)?;
        Ok(Node::Template { at, name, argument })
    }

    fn pipeline(&mut self, context: &'static str, end: TokenKind) -> Result<Pipeline, Failure> {
        let at = self.peek_word().at;
        let (targets, assigns) = self.targets(context)?;
        let mut commands = Vec::new();
        loop {
            let token = self.take_word();
            if token.kind == end {
                return finish(Pipeline { at, end: token.at, targets, assigns, commands }, context);
            }
            if !starts_operand(token.kind) {
                return Err(unexpected(token, context));
            }
            self.next -= 1;
            commands.push(self.command()?);
        }
    }

    /// `$x :=`, `$x =` and, in a range, `$i, $v :=`.
    fn targets(&mut self, context: &'static str) -> Result<(Vec<Box<str>>, bool), Failure> {
        let mut targets: Vec<Box<str>> = Vec::new();
        loop {
            let start = self.next;
            let variable = self.peek_word();
            if variable.kind != TokenKind::Variable {
                return Ok((targets, false));
            }
            self.next += 1;
            let after = self.peek_word();
            match after.kind {
                TokenKind::Assign | TokenKind::Declare => {
                    self.next += 1;
                    targets.push(variable.text.into());
                    self.scope.variables.push(variable.text.to_owned());
                    return Ok((targets, after.kind == TokenKind::Assign));
                }
                TokenKind::Punctuation if after.text == "," => {
                    self.next += 1;
                    targets.push(variable.text.into());
                    self.scope.variables.push(variable.text.to_owned());
                    if context != "range" || targets.len() > 1 {
                        return Err((variable.at, format!("too many declarations in {context}")));
                    }
                    if !matches!(
                        self.peek_word().kind,
                        TokenKind::Variable | TokenKind::RightDelim | TokenKind::RightParen
                    ) {
                        return Err((after.at, "range can only initialize variables".to_owned()));
                    }
                }
                _ => {
                    self.next = start;
                    return Ok((targets, false));
                }
            }
        }
    }

    fn command(&mut self) -> Result<Command, Failure> {
        let mut operands = Vec::new();
        loop {
            self.skip_space();
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let token = self.take();
            match token.kind {
                TokenKind::Space => continue,
                TokenKind::RightDelim | TokenKind::RightParen => self.next -= 1,
                TokenKind::Pipe => {}
                _ => return Err(unexpected(token, "operand")),
            }
            let mut operands = operands.into_iter();
            return match operands.next() {
                Some(first) => Ok(Command { first, arguments: operands.collect() }),
                None => Err((token.at, "empty command".to_owned())),
            };
        }
    }

    /// A term and the fields that follow it without a space.
    fn operand(&mut self) -> Result<Option<Operand>, Failure> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        let mut fields = Vec::new();
        while self.peek().kind == TokenKind::Field {
            fields.push(field_name(self.take()));
        }
        if fields.is_empty() {
            return Ok(Some(operand));
        }
        match &mut operand.kind {
            OperandKind::Field(path) | OperandKind::Variable(_, path) => path.append(&mut fields),
            OperandKind::Function(_) | OperandKind::Parenthesis(_) => {
                let at = operand.at;
                operand = Operand { at, kind: OperandKind::Chain(Box::new(operand), fields) };
            }
            _ => return Err((operand.at, "unexpected . after a constant".to_owned())),
        }
        Ok(Some(operand))
    }

    fn term(&mut self) -> Result<Option<Operand>, Failure> {
        let token = self.take_word();
        let kind = match token.kind {
            TokenKind::Identifier => OperandKind::Function(lookup(token)?),
            TokenKind::Dot => OperandKind::Dot,
            TokenKind::Nil => OperandKind::Nil,
            TokenKind::Variable => {
                if !self.scope.variables.iter().any(|name| name == token.text) {
                    return Err((token.at, format!("undefined variable {:?}", token.text)));
                }
                OperandKind::Variable(token.text.into(), Vec::new())
            }
            TokenKind::Field => OperandKind::Field(vec![field_name(token)]),
            TokenKind::Bool => OperandKind::Bool(token.text == "true"),
            TokenKind::Number => match Number::parse(token.text) {
                Some(number) => OperandKind::Number(number),
                None => return Err((token.at, format!("illegal number syntax: {:?}", token.text))),
            },
            TokenKind::Character => match unquote_character(token.text) {
                Some(code) => OperandKind::Number(Number::character(code)),
                None => return Err((token.at, "malformed character constant".to_owned())),
            },
            TokenKind::LeftParen => {
                self.enter(token.at)?;
                let inner = self.pipeline("parenthesized pipeline", TokenKind::RightParen)?;
                self.depth -= 1;
                OperandKind::Parenthesis(Box::new(inner))
            }
            TokenKind::Str | TokenKind::Raw => OperandKind::Text(literal(token)?.into()),
            _ => {
                self.next -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Operand { at: token.at, kind }))
    }
}

fn finish(pipeline: Pipeline, context: &str) -> Result<Pipeline, Failure> {
    if pipeline.commands.is_empty() {
        return Err((pipeline.at, format!("missing value for {context}")));
    }
    let constant = pipeline.commands.iter().skip(1).find(|command| {
        use OperandKind::{Bool, Dot, Nil, Number, Text};
        matches!(command.first.kind, Bool(_) | Dot | Nil | Number(_) | Text(_))
    });
    match constant {
        Some(command) => Err((command.first.at, "a value is piped into a constant".to_owned())),
        None => Ok(pipeline),
    }
}

fn lookup(token: Token<'_>) -> Result<&'static Function, Failure> {
    functions::find(token.text).ok_or_else(|| (token.at, format!("function {:?} is not defined", token.text)))
}

fn field_name(token: Token<'_>) -> Box<str> {
    token.text.strip_prefix('.').unwrap_or(token.text).into()
}

fn literal(token: Token<'_>) -> Result<Vec<u8>, Failure> {
    unquote(token.text).ok_or_else(|| (token.at, format!("invalid quoted text {}", token.text)))
}

fn starts_operand(kind: TokenKind) -> bool {
    use TokenKind::{Bool, Character, Dot, Field, Identifier, LeftParen, Nil, Number, Raw, Str, Variable};
    matches!(kind, Bool | Character | Dot | Field | Identifier | LeftParen | Nil | Number | Raw | Str | Variable)
}

fn is_empty(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}

fn unexpected(token: Token<'_>, context: &str) -> Failure {
    let what = match token.kind {
        TokenKind::End => "end of the template".to_owned(),
        TokenKind::Space => "space".to_owned(),
        _ => format!("{:?}", token.text),
    };
    (token.at, format!("unexpected {what} in {context}"))
}
