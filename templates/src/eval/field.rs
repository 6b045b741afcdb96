//! Fields, map entries and methods.

use super::Eval;
use super::call::validate;
use crate::error::Fault;
use crate::functions::{Args, Kind, methods};
use crate::syntax::Operand;
use crate::value::{MapType, Value};

impl<'a> Eval<'a> {
    /// `.a.b.c` on a receiver; arguments belong to the last name, which must then be a method.
    pub(super) fn path(
        &mut self,
        dot: &Value<'a>,
        receiver: Value<'a>,
        path: &'a [Box<str>],
        arguments: &'a [Operand],
        last: Option<Value<'a>>,
    ) -> Result<Value<'a>, Fault> {
        let Some((final_name, names)) = path.split_last() else { return Ok(receiver) };
        let mut value = receiver;
        for name in names {
            value = self.field(dot, value, name, &[], None)?;
        }
        self.field(dot, value, final_name, arguments, last)
    }

    fn field(
        &mut self,
        dot: &Value<'a>,
        receiver: Value<'a>,
        name: &'a str,
        operands: &'a [Operand],
        last: Option<Value<'a>>,
    ) -> Result<Value<'a>, Fault> {
        self.spend(1)?;
        match &receiver {
            Value::Invalid if self.options.missing_key_error => return Err(Fault::MissingKey(name.to_owned())),
            Value::Invalid => return Ok(Value::Invalid),
            Value::NilInterface | Value::NilPointer(_) => return Err(Fault::NilField(name.to_owned())),
            _ => {}
        }
        if let Some(method) = methods::find(&receiver, name) {
            let mut arguments = vec![receiver];
            for (index, operand) in operands.iter().enumerate() {
                let kind = method.parameters.get(index).copied().unwrap_or(Kind::Any);
                arguments.push(self.argument(dot, kind, operand)?);
            }
            if let Some(value) = last {
                let kind = method.parameters.get(operands.len()).copied().unwrap_or(Kind::Any);
                arguments.push(validate(value, kind)?);
            }
            if arguments.len() != method.parameters.len() + 1 {
                let wanted = method.parameters.len().to_string();
                return Err(Fault::ArgumentCount { function: name.to_owned(), wanted, got: arguments.len() - 1 });
            }
            return (method.call)(self, Args::new(method.name, arguments));
        }
        let found = match &receiver {
            Value::Record(record) => {
                record.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
            }
            Value::Map(map) => Some(match map.get(name.into()) {
                Some(value) => value,
                None if self.options.missing_key_error => return Err(Fault::MissingKey(name.to_owned())),
                None if map.of == MapType::Text => Value::text(""),
                None => Value::NilInterface,
            }),
            _ => None,
        };
        match found {
            Some(_) if !operands.is_empty() || last.is_some() => Err(Fault::NotACommand("a field with arguments")),
            Some(value) => Ok(value),
            None => Err(Fault::NoField { field: name.to_owned(), type_name: receiver.type_name() }),
        }
    }
}
