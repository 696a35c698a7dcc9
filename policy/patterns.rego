# METADATA
# title: Patterns
# description: |
#   The wildcards of IAM: `*` stands for any run of characters, `?` for exactly one, and a pattern covers the whole text. A policy is
#   turned into regular expressions once, when it is prepared, and these are RE2: no pattern can make matching slow.
#   Patterns are escaped: a backslash makes the character behind it literal, because a wildcard that comes out of the policy variable
#   `${*}` is none.
#   What a text may match is a matcher, two regular expressions: what `certain` matches, matches; what only `possible` matches is not
#   settled; anything else does not match. The truth of it is a number throughout the evaluator, so that `min` is "and", `max` is
#   "or", and the sign turned is "not": 1 yes, 0 not settled, -1 no.
# related_resources:
#   - description: IAM JSON policy elements, Resource
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
package iam.patterns

# METADATA
# scope: document
# title: A text as a pattern
# description: With wildcards in it, or as a pattern that matches this text only.
of(text, true) := replace(text, `\`, `\\`)

of(text, false) := strings.replace_n({`\`: `\\`, "*": `\*`, "?": `\?`}, text)

# METADATA
# title: A pattern as a regular expression
# description: Without anchors, to become part of a larger one.
expression(pattern) := _expression(pattern, ".*", ".")

# METADATA
# title: A pattern as a regular expression within ARN components
# description: As `expression`, but its wildcards take in no colon.
expression_between_colons(pattern) := _expression(pattern, "[^:]*", "[^:]")

_expression(pattern, any_run, any_one) := replace(replace(literal, "*", any_run), "?", any_one) if {
	not contains(pattern, `\`) # nearly always; the rest is for what has been escaped
	literal := regex.replace(pattern, `[.+|^$()\[\]{}]`, `\$0`)
}

else := strings.replace_n(
	{
		"*": any_run, "?": any_one,
		`\\`: `\\`, `\*`: `\*`, `\?`: `\?`,
		".": `\.`, "+": `\+`, "|": `\|`, "^": `\^`, "$": `\$`,
		"(": `\(`, ")": `\)`, "[": `\[`, "]": `\]`, "{": `\{`, "}": `\}`,
	},
	pattern,
)

# METADATA
# scope: document
# title: A regular expression that may disregard letter case
folded(one, true) := concat("", ["(?i:", one, ")"])

folded(one, false) := one

# METADATA
# scope: document
# title: A matcher of regular expressions
# description: Of the expressions that certainly match and of those that possibly do.
matcher(certain, []) := {"certain": _any(certain)}

matcher(certain, possible) := {"certain": _any(certain), "possible": _any(possible)} if possible != []

# METADATA
# title: How far a matcher matches a text
matches(one, text) := 1 if regex.match(one.certain, text)

else := 0 if regex.match(one.possible, text)

else := -1

_any(expressions) := `^\b\B$` if expressions == [] # nothing is at once at the border of a word and not

else := concat("", ["^(?s:", concat("|", expressions), ")$"])
