# METADATA
# title: ARNs
# description: |
#   Patterns of ARNs match component by component: a wildcard stays between two colons, only the part behind the fifth colon takes
#   colons and slashes in. What AWS leaves open hangs on the kind of the ARN that is matched, so there is a matcher for each kind.
# related_resources:
#   - description: Amazon Resource Names (ARNs)
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
#   - description: IAM JSON policy elements, Resource
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
package iam.arns

import data.iam.patterns

# METADATA
# title: The kind of an ARN
# description: |
#   plain (a bucket, object, queue or topic, whose names stand without a type), typed (as in `function:NAME`) or role (of IAM).
#   Undefined for a text that is no ARN.
kind(text) := "plain" if regex.match(`^arn:[^:]*:(?:s3:::|(?:[^:]*:){3}[^:/]*$|(?:sqs|sns):(?:[^:]*:){2})`, text)

else := "role" if regex.match("^arn:[^:]*:iam:[^:]*:[^:]*:role/", text)

else := "typed" if regex.match("^arn:(?:[^:]*:){4}", text)

# METADATA
# title: The matchers of ARN patterns
# description: One for each kind of ARN. The patterns are escaped, see `iam.patterns`.
matchers(arn_patterns) := {
	"plain": _with(typed, [_certain(part) | some part in parts; _wild_type(part.rest)]),
	"typed": typed,
	# AWS does not regard the letter case of a role's name when it makes one, and does not say how it matches it.
	"role": {"certain": typed.certain, "possible": concat("", ["(?i)", typed.possible])},
} if {
	parts := [part | some pattern in arn_patterns; part := _parts(pattern)]
	typed := patterns.matcher(
		[_certain(part) | some part in parts; not _wild_type(part.rest)],
		# What is no ARN may mean anything.
		array.concat([_possible(part) | some part in parts], [".*" | count(parts) < count(arn_patterns)]),
	)
}

else := {of_kind: patterns.matcher([], []) | some of_kind in ["plain", "typed", "role"]}

_with(matcher, certain) := matcher if certain == []

else := {"certain": concat("|", [matcher.certain, patterns.matcher(certain, []).certain]), "possible": matcher.possible}

# METADATA
# title: The matchers of an ARN pattern with its variables filled in
# description: Takes what `iam.variables.fill_in` makes of it.
filled_in(filled) := {of_kind: {"certain": strict[of_kind].certain, "possible": matcher.possible} |
	strict := matchers([filled.strict | is_string(filled.strict)])
	some of_kind, matcher in matchers([filled.loose])
}

# The text in front of the fifth colon with its colons, and what follows; `*` alone stands for every ARN.
_parts(pattern) := {"head": found[1], "rest": found[2]} if {
	found := regex.find_all_string_submatch_n(`^(?s:(arn:(?:[^:]*:){4})(.*))$`, pattern, 1)[0]
}

_parts("*") := {"head": "", "rest": "*"}

# `key/*` is documented, `k*` is not: where there are types, it is not said what a wildcard in them does.
_wild_type(rest) if {
	rest != "*"
	regex.match(`^(?:[^/:*?\\]|\\.)*[*?]`, rest)
}

_certain(part) := concat("", [patterns.expression_between_colons(part.head), patterns.expression(part.rest)])

# What AWS leaves open of every ARN: the letter case in front of the fifth colon, and whether a wildcard there can take in a colon.
_possible(part) := concat("", [patterns.folded(patterns.expression(part.head), true), patterns.expression(part.rest)])
