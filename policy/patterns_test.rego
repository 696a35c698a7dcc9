package iam.patterns_test

import data.iam.patterns

test_wildcards[note] if {
	some note, case in {
		"a star is any run of characters": {"pattern": "a*c", "text": "a-b-c", "matches": 1},
		"a star is also none": {"pattern": "ab*", "text": "ab", "matches": 1},
		"a star is also a line break": {"pattern": "a*c", "text": "a\nc", "matches": 1},
		"a question mark is one character": {"pattern": "a?c", "text": "aéc", "matches": 1},
		"a question mark is not none": {"pattern": "a?c", "text": "ac", "matches": -1},
		"the whole text counts": {"pattern": "b", "text": "abc", "matches": -1},
		"letter case counts": {"pattern": "A*", "text": "abc", "matches": -1},
		"what regular expressions know is a character here": {"pattern": "[a](b)|^c$.+{1}", "text": "[a](b)|^c$.+{1}", "matches": 1},
		"a dot is a dot": {"pattern": "a.c", "text": "abc", "matches": -1},
		"a backslash is a backslash": {"pattern": `a\*`, "text": `a\b`, "matches": 1},
	}
	expression := patterns.expression(patterns.of(case.pattern, true))
	patterns.matches(patterns.matcher([expression], []), case.text) == case.matches
}

test_a_literal_text_has_no_wildcards if {
	matcher := patterns.matcher([patterns.expression(patterns.of(`a*b?c\d`, false))], [])
	patterns.matches(matcher, `a*b?c\d`) == 1
	patterns.matches(matcher, `axbxc\d`) == -1
}

test_between_colons_a_wildcard_takes_in_no_colon if {
	expression := patterns.expression_between_colons("a*:b?:c")
	matcher := patterns.matcher([expression], [])
	patterns.matches(matcher, "axx:by:c") == 1
	patterns.matches(matcher, "ax:x:by:c") == -1
	patterns.matches(matcher, "a:b::c") == -1
}

test_what_is_only_possible_is_not_settled if {
	matcher := patterns.matcher(["a"], ["b"])
	patterns.matches(matcher, "a") == 1
	patterns.matches(matcher, "b") == 0
	patterns.matches(matcher, "c") == -1
}

test_no_expressions_match_nothing[text] if {
	some text in ["", "a", "a b", "\n"]
	patterns.matches(patterns.matcher([], []), text) == -1
}

test_letter_case_may_be_disregarded if {
	regex.match(patterns.folded("aB", true), "Ab")
	not regex.match(patterns.folded("aB", false), "Ab")
}
