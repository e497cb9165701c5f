//! What the guide shows is what is compiled.

use std::fs::read_to_string;

/// Without spaces and line ends: the guide breaks its lines where it reads best.
fn packed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn every_excerpt_of_the_guide_stands_in_the_program_of_its_step() {
    let guide = read_to_string("../docs/guides/add-to-a-service.md").expect("the guide");
    let blocks: Vec<&str> = guide
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let programs = [
        "src/bin/guide_1.rs",
        "src/bin/guide_2.rs",
        "src/bin/guide_3.rs",
        "../resilience/examples/guide.rs",
        "../resilience/examples/guide.rs",
    ];
    assert_eq!(blocks.len(), programs.len(), "one excerpt for each step");
    for (block, path) in blocks.into_iter().zip(programs) {
        let program = packed(&read_to_string(path).expect(path));
        for paragraph in block.split("\n\n") {
            let lines: Vec<&str> = paragraph.lines().collect();
            // A comment stands for what is said in words.
            for part in lines.split(|line| line.trim_start().starts_with("//")) {
                let part = part.join("\n");
                assert!(
                    program.contains(&packed(&part)),
                    "{path} does not have\n{part}"
                );
            }
        }
    }
}
