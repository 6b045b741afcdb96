use proptest::prelude::*;

use super::*;

#[track_caller]
fn lays_out(text: &str, expected: &str) {
    assert_eq!(format(text).as_deref(), Ok(expected), "{text}");
    assert_eq!(format(expected).as_deref(), Ok(expected), "laid out twice: {text}");
}

#[test]
fn blocks_stand_apart_and_attributes_are_aligned() {
    lays_out("", "\n");
    lays_out(
        "path \"a\"\n{capabilities=[\"read\",\"list\"]}",
        "path \"a\" {\n  capabilities = [\"read\", \"list\"]\n}\n",
    );
    lays_out("a {}\nb {}\n\n\nc {}\nd = 1\ne = 2", "a {}\nb {}\n\nc {}\n\nd = 1\n\ne = 2\n");
    lays_out(
        "path \"a\" {\n x = 1\n longer = \"b\" // why\n y = true # so\n\n z = 2\n}\n",
        "path \"a\" {\n  x      = 1\n  longer = \"b\"  // why\n  y      = true # so\n\n  z = 2\n}\n",
    );
    lays_out("a \"b\" { c = {} d {\n} }", "a \"b\" {\n  c = {}\n\n  d {}\n}\n");
    lays_out("a {\r\n\tb = 1\r\n}\r\n", "a {\n  b = 1\n}\n");
}

#[test]
fn lists_stay_on_one_line_or_get_one_line_each() {
    lays_out("a = [ 1 , 2, ]", "a = [1, 2]\n");
    lays_out("a = [\n]", "a = []\n");
    lays_out(
        "a = [\"x\", # one\n  \"yyy\",\n  # above\n  \"z\"]",
        "a = [\n  \"x\",   # one\n  \"yyy\",\n\n  # above\n  \"z\",\n]\n",
    );
    lays_out("a = [{ b = 1 }, [2]]", "a = [\n  {\n    b = 1\n  },\n  [2],\n]\n");
}

#[test]
fn comments_stay_where_they_belong() {
    lays_out(
        "# top\n\n# above\na { b = 1 } # behind\n# end",
        "# top\n\n# above\na {\n  b = 1\n} # behind\n\n# end\n\n",
    );
    lays_out("a {\n  # only\n}", "a {\n  # only\n}\n");
    lays_out("a {\n  b = 1\n\n  # alone\n\n  c = 2\n}", "a {\n  b = 1\n\n  # alone\n\n  c = 2\n}\n");
    lays_out("a {\n  b = # why\n  1\n}", "a {\n  # why\n  b = 1\n}\n");
}

#[test]
fn the_lines_of_a_comment_are_not_moved() {
    lays_out("a {\n/* x\n y */\n  b = 1\n}", "a {\n  /* x\n y */\n  b = 1\n}\n");
}

#[test]
fn here_documents_keep_their_lines() {
    lays_out("a {\n    b = <<E\nx\n  y\nE\n}", "a {\n  b = <<E\nx\n  y\nE\n}\n");
    lays_out("a = [<<E\nx\nE\n, <<F\ny\nF\n]", "a = [\n  <<E\nx\nE\n  ,\n  <<F\ny\nF\n  ,\n]\n");
    lays_out("a { b = \"${x\n y}\" }", "a {\n  b = \"${x\n y}\"\n}\n");
}

#[test]
fn what_cannot_be_laid_out_is_refused() {
    let syntax = format("a {\n  b = x\n}\nc = [y]\n").unwrap_err();
    let FormatError::Syntax(errors) = &syntax else { panic!("{syntax:?}") };
    assert_eq!(errors.iter().map(|error| error.position.line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(format(" {\"a\": 1}"), Err(FormatError::Json));
    // The servers' layout leaves out a comment inside of a line that is aligned with the next.
    let lost = format("a {\n  b = /* inside */ 1\n  c = 2\n}\n").unwrap_err();
    assert!(matches!(lost, FormatError::Comment(position) if (position.line, position.column) == (2, 7)), "{lost}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn laying_out_twice_changes_nothing_and_the_meaning_stays(
        text in "(a|b \"x\"|\"k\"|=|\\{|\\}|\\[|\\]|,|1|true|\"s\"|\"\\$\\{q\n\\}\"|# c\n|// d\n|/\\* e \\*/|/\\*\n\\*/|<<E\n h\nE\n| |\n){0,24}",
    ) {
        if let Ok(out) = format(&text) {
            prop_assert_eq!(format(&out), Ok(out.clone()));
            prop_assert!(crate::print::same(&parse(&out).unwrap(), &parse(&text).unwrap()));
            prop_assert!(out.ends_with('\n'));
        }
    }

    #[test]
    fn files_of_blocks_are_laid_out(
        text in "((# c\n|// d\n|\n|/\\* e\n \\*/ ){0,2}(p \"x\"|p)( |\n)\\{(( |\n)(# c\n|\n){0,2}(a|bb)( |) = (1|true|\"s\"|\\[1, 2\\]|\\[\n1,# d\n2\n\\]|\\{ x = 1 \\})(,| # l|)\n){0,4}\\}( # m|)\n){0,4}",
    ) {
        match format(&text) {
            Ok(out) => prop_assert_eq!(format(&out), Ok(out)),
            Err(error) => prop_assert!(!matches!(error, FormatError::Syntax(_)), "{}\n{}", error, text),
        }
    }
}
