# METADATA
# title: ARNs
# description: |
#   Matching of ARN patterns, component by component. Truth values are numbers throughout the evaluator, so that `min` is "and", `max`
#   is "or" and the sign turned is "not": 1 yes, 0 not settled, -1 no.
# related_resources:
#   - description: Amazon Resource Names (ARNs)
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
#   - description: IAM JSON policy elements, Resource
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
package iam.arns

import data.iam.patterns

# METADATA
# title: An ARN taken apart
# description: |
#   Undefined for a text that is no ARN. `head` is everything up to and with the fifth colon, `rest` what follows it, colons and
#   slashes included; `typed` says that `rest` begins with a resource type, as in `role/NAME` or `function:NAME`.
parse(text) := {
	"text": text,
	"head": head,
	"lower_head": lower(head),
	"components": array.slice(parts, 2, 6),
	"rest": rest,
	"typed": _typed(parts[3], parts[4], parts[5], rest),
	"iam_role": _iam_role(parts[3], rest),
} if {
	parts := regex.find_all_string_submatch_n(_arn, text, 1)[0]
	head := parts[1]
	rest := parts[6]
}

# METADATA
# title: How far a pattern covers an ARN
# description: The pattern is written as in a Resource element, without policy variables; the ARN is the result of `parse`.
covers(pattern, arn) := _covers_rest(trim_prefix(pattern, arn.head), arn) if {
	startswith(pattern, arn.head)
}
else := 1 if pattern == "*"
else := -1 if _other_head(pattern, arn)
else := _covers_head(pattern, arn)

# METADATA
# title: How far an escaped pattern covers an ARN
# description: As `covers`, for a pattern in which policy variables have been filled in (see `iam.patterns.glob_escaped`).
covers_escaped(pattern, arn) := _components_escaped(parts, arn) if {
	parts := regex.find_all_string_submatch_n(_arn, pattern, 1)[0]
}
else := 0

_arn := `^(?s:(arn:([^:]*):([^:]*):([^:]*):([^:]*):)(.*))$`

# Buckets, objects, queues and topics are named without a type.
default _typed(_, _, _, _) := false

_typed(service, region, account, rest) if {
	not service in {"sqs", "sns"}
	not _plain_s3(service, region, account)
	regex.match("[/:]", rest)
}

_plain_s3("s3", "", "")

default _iam_role(_, _) := false

_iam_role("iam", rest) if startswith(rest, "role/")

# Its head has no wildcard and is not the ARN's, whatever the letter case: the usual way not to match.
_other_head(pattern, arn) if {
	regex.match(`^(?:[^:*?]*:){5}`, pattern)
	not startswith(lower(pattern), arn.lower_head)
}

_covers_head(pattern, arn) := _components(parts, arn) if {
	parts := regex.find_all_string_submatch_n(_arn, pattern, 1)[0]
	_components(parts, arn) >= 0
}

else := 0 if not regex.match(`^(?:[^:]*:){5}`, pattern) # no ARN at all
else := 0 if patterns.glob(pattern, arn.text) # a wildcard would have to cross a colon
else := -1

_components(parts, arn) := _covers_rest(parts[6], arn) if {
	every i, component in arn.components {
		patterns.glob(parts[i + 2], component)
	}
}
else := min([0, _covers_rest(parts[6], arn)]) if {
	every i, component in arn.components {
		patterns.glob(lower(parts[i + 2]), lower(component))
	}
}
else := -1

_covers_rest(pattern, arn) := _settled_type(pattern, arn) if {
	patterns.glob(pattern, arn.rest)
}
else := 0 if {
	arn.iam_role # AWS keeps role names apart without regard to case, and does not say how it matches them
	patterns.glob(lower(pattern), lower(arn.rest))
}
else := -1

# `key/*` is documented, `k*` is not.
_settled_type(pattern, arn) := 0 if {
	arn.typed
	pattern != "*"
	regex.match(`^[^/:]*[*?]`, pattern)
}
else := 1

_components_escaped(parts, arn) := 1 if {
	patterns.glob_escaped(parts[6], arn.rest)
	every i, component in arn.components {
		patterns.glob_escaped(parts[i + 2], component)
	}
}
else := 0 if {
	_may_cover_rest(parts[6], arn)
	every i, component in arn.components {
		patterns.glob_escaped(lower(parts[i + 2]), lower(component))
	}
}
else := -1

_may_cover_rest(pattern, arn) if patterns.glob_escaped(pattern, arn.rest)

_may_cover_rest(pattern, arn) if {
	arn.iam_role
	patterns.glob_escaped(lower(pattern), lower(arn.rest))
}
