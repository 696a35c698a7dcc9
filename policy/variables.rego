# METADATA
# title: Policy variables
# description: |
#   `${key}`, `${key, 'default'}` and the three escapes `${*}`, `${?}`, `${$}` in a text of a policy of version 2012-10-17.
# related_resources:
#   - description: IAM policy elements, variables and tags
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
package iam.variables

import data.iam.patterns
import data.iam.request
import data.iam.unknowns

# METADATA
# title: The text has variables
# description: True or undefined. Only version 2012-10-17 knows variables; before it, `${` was a text like any other.
used(text, "2012-10-17") if {
	contains(text, "${")
	not unknowns.unknown(text)
}

# METADATA
# title: A text with its variables filled in
# description: |
#   Two patterns (see `iam.patterns`): `strict` takes each value as its characters, `loose` takes an unknown value as any text, and where
#   there are wildcards at all, those within a value as wildcards. What only one of them matches is not settled, as AWS does not say what
#   a wildcard in a value does.
#   `strict` is null where a value is unknown or empty. Undefined where a variable has no value: such a text matches nothing.
#   `wildcards` says whether `*` and `?` outside of variables are wildcards here.
fill_in(text, wildcards) := {
	"strict": _joined(gaps, [value.strict | some value in values]),
	"loose": _joined(gaps, [value.loose | some value in values]),
} if {
	gaps := [patterns.of(gap, wildcards) | some gap in regex.split(pattern, text)]
	names := regex.find_n(pattern, text, -1)
	values := [value | some name in names; value := _value(name, wildcards)]
	count(values) == count(names)
}

# METADATA
# title: Variables in a text
# description: A regular expression.
pattern := `\$\{(?:[^}']|'[^']*')*\}`

_parts := `^\$\{\s*([^,'\s]+)\s*(?:,\s*'([^']*)'\s*)?\}$`

# METADATA
# title: Keys that are named
# description: The condition keys that the variables of a text stand for, in lower case.
named(text) := {lower(regex.find_all_string_submatch_n(_parts, variable, 1)[0][1]) |
	some variable in regex.find_n(pattern, text, -1)
	not variable in {"${*}", "${?}", "${$}"}
}

_joined(gaps, values) := null if null in values

else := concat("", [part |
	some i, gap in gaps
	some part in array.concat([gap], [value | value := values[i]])
])

_value(variable, wildcards) := {"strict": literal, "loose": literal} if {
	literal := {"${*}": `\*`, "${?}": `\?`, "${$}": "$"}[variable]
}

else := _of(value, wildcards) if {
	parts := regex.find_all_string_submatch_n(_parts, variable, 1)[0]
	value := _looked_up(lower(parts[1]), parts[2], contains(variable, ","))
}

# Only single-valued keys have a value here.
_looked_up(key, fallback, has_fallback) := request.context[key] if is_string(request.context[key])

else := fallback if has_fallback

_of(value, wildcards) := {"strict": null, "loose": "*"} if unknowns.unknown(value)

else := {"strict": null, "loose": ""} if value == ""

else := {"strict": patterns.of(value, false), "loose": patterns.of(value, wildcards)}
