package iam.variables_test

import data.iam.variables

_context := {
	"aws:username": "alice",
	"aws:PrincipalTag/Team": "blue",
	"tag/wild": "a*",
	"tag/empty": "",
	"tag/unknown": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
	"aws:TagKeys": ["one"],
}

test_only_the_newer_version_has_variables if {
	variables.used("${aws:username}", "2012-10-17")
	not variables.used("${aws:username}", "2008-10-17")
	not variables.used("$aws:username", "2012-10-17")
	not variables.used("${aws:username}/04da6b54-80e4-46f7-96ec-b56ff0331ba9", "2012-10-17")
}

test_fill_in[text] if {
	some text, filled in {
		"home/${aws:username}/*": "home/alice/*",
		"${AWS:UserName}": "alice",
		"${aws:PrincipalTag/team}-${aws:username}": "blue-alice",
		"${aws:PrincipalTag/none, 'x y'}": "x y",
		"${aws:PrincipalTag/none,'}'}": "}",
		"${aws:PrincipalTag/team, 'red'}": "blue",
		"${*}${?}${$}{x}": `\*\?${x}`,
		"none": "none",
	}
	{"strict": filled, "loose": filled} == variables.fill_in(text, true) with input.request.context as _context
}

test_a_wildcard_in_a_value_is_open if {
	{"strict": `a\*/*`, "loose": "a*/*"} == variables.fill_in("${tag/wild}/*", true) with input.request.context as _context
}

test_outside_of_patterns_there_are_no_wildcards if {
	{"strict": `a\*`, "loose": `a\*`} == variables.fill_in("${tag/wild}", false) with input.request.context as _context
	{"strict": `alice\*`, "loose": `alice\*`} == variables.fill_in("${aws:username}*", false) with input.request.context as _context
}

test_an_unknown_value_can_be_anything if {
	{"strict": null, "loose": "a*"} == variables.fill_in("a${tag/unknown}", true) with input.request.context as _context
}

test_an_empty_value_may_be_none if {
	{"strict": null, "loose": "a"} == variables.fill_in("a${tag/empty}", true) with input.request.context as _context
}

test_without_a_value_there_is_nothing_to_match[text] if {
	some text in ["${aws:PrincipalTag/none}", "${aws:TagKeys}", "${}", "${a,b}"]
	not variables.fill_in(text, true) with input.request.context as _context
}

test_a_default_stands_in_for_a_multivalued_key if {
	variables.fill_in("${aws:TagKeys, 'x'}", true).strict == "x" with input.request.context as _context
}

test_named if {
	variables.named("a/${aws:username}/${ aws:PrincipalTag/Team , 'none' }/${*}") == {"aws:username", "aws:principaltag/team"}
	variables.named("a/*") == set()
}
