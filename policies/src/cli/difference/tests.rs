use super::*;

#[test]
fn equal_texts_have_none() {
    assert_eq!(unified("a", "x\ny\n", "x\ny\n"), "");
}

#[test]
fn hunks_have_three_lines_around_them() {
    let before: String = (1..=20).map(|line| format!("{line}\n")).collect();
    let after = before.replace("\n5\n", "\nfive\n").replace("20\n", "20");
    assert_eq!(
        unified("p.hcl", &before, &after),
        "--- p.hcl\n+++ p.hcl\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
         @@ -17,4 +17,4 @@\n 17\n 18\n 19\n-20\n+20\n\\ No newline at end of file\n"
    );
    assert_eq!(unified("a", "", "x\n"), "--- a\n+++ a\n@@ -0,0 +1,1 @@\n+x\n");
}

proptest::proptest! {
    #[test]
    fn the_new_lines_are_the_new_text(before in "([ab]\n){0,9}", after in "([ab]\n){0,9}") {
        let edits = edits(&lines(&before), &lines(&after));
        let side = |keep: fn(&Edit<'_>) -> bool| -> String {
            edits.iter().filter(|edit| keep(edit)).map(|edit| match edit {
                Edit::Both(line) | Edit::Old(line) | Edit::New(line) => *line,
            }).collect()
        };
        proptest::prop_assert_eq!(side(|edit| !matches!(edit, Edit::Old(_))), &*after);
        proptest::prop_assert_eq!(side(|edit| !matches!(edit, Edit::New(_))), &*before);
    }
}
