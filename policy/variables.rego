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
used(text, "2012-10-17") if contains(text, "${")

# METADATA
# title: A text with its variables filled in
# description: |
#   Two escaped patterns: `strict` takes each value as its characters, `loose` takes wildcards within a value as wildcards and an unknown
#   value as any text. What both match, matches; what neither matches, does not; what only `loose` matches is not settled, as
#   AWS does not say what a wildcard in a value does. `strict` is null where a value is unknown or empty. Undefined where a variable
#   has no value: such a text matches nothing.
#   `wildcards` says whether `*` and `?` outside of variables are wildcards here.
fill_in(text, wildcards) := {"strict": _joined(strict), "loose": concat("", loose)} if {
	between := regex.split(_variable, text)
	names := regex.find_n(_variable, text, -1)
	values := [value | some name in names; value := _value(name)]
	count(values) == count(names)
	strict := [part |
		some i, gap in between
		some part in array.concat([_literal(gap, wildcards)], [value.strict | value := values[i]])
	]
	loose := [part |
		some i, gap in between
		some part in array.concat([_literal(gap, wildcards)], [value.loose | value := values[i]])
	]
}

_variable := `\$\{(?:[^}']|'[^']*')*\}`

_joined(parts) := concat("", parts) if {
	not null in parts
}
else := null

_literal(text, true) := patterns.escape_backslashes(text)

_literal(text, false) := patterns.escape(text)

_value("${*}") := {"strict": `\*`, "loose": `\*`}

_value("${?}") := {"strict": `\?`, "loose": `\?`}

_value("${$}") := {"strict": "$", "loose": "$"}

_value(variable) := _of(value) if {
	not variable in {"${*}", "${?}", "${$}"}
	parts := regex.find_all_string_submatch_n(`^\$\{\s*([^,'\s]+)\s*(?:,\s*'([^']*)'\s*)?\}$`, variable, 1)[0]
	value := _looked_up(lower(parts[1]), parts[2], contains(variable, ","))
}

_looked_up(key, _, _) := request.context[key] if is_string(request.context[key])

_looked_up(key, fallback, true) := fallback if not is_string(request.context[key])

_of(value) := {"strict": null, "loose": "*"} if {
	unknowns.unknown(value)
}
else := {"strict": null, "loose": ""} if value == ""
else := {"strict": patterns.escape(value), "loose": patterns.escape_backslashes(value)}
