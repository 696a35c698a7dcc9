# METADATA
# title: Actions and resources
# description: How far the Action, NotAction, Resource and NotResource elements of a statement cover the request.
# related_resources:
#   - description: IAM JSON policy elements, Action
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
#   - description: IAM JSON policy elements, Resource
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
package iam.resources

import data.iam.arns
import data.iam.patterns
import data.iam.request
import data.iam.unknowns
import data.iam.variables

# METADATA
# title: How far the statement is about the action
action(statement) := _any_action(statement.Action)

action(statement) := 0 - _any_action(statement.NotAction)

# METADATA
# title: How far the statement is about the resource
# description: A role's trust policy has no Resource element; it is about the role.
resource(statement, version) := _any_resource(statement.Resource, version)

resource(statement, version) := 0 - _any_resource(statement.NotResource, version)

resource(statement, _) := 1 if {
	not statement.Resource
	not statement.NotResource
}

_any_action(pattern) := 1 if {
	is_string(pattern)
	patterns.glob(lower(pattern), request.action)
}
else := 1 if {
	some one in pattern
	patterns.glob(lower(one), request.action)
}
else := 0 if {
	some one in _listed(pattern)
	unknowns.unknown(one)
}
else := -1

_any_resource(pattern, version) := _resource(pattern, version) if {
	is_string(pattern)
}
else := max({_resource(one, version) | some one in pattern})

_listed(value) := value if {
	is_array(value)
}
else := [value]

_resource(pattern, version) := 1 if pattern == "*"
else := _resource_with_variables(pattern) if {
	variables.used(pattern, version)
}
else := covered if {
	covered := arns.covers(pattern, request.resource)
	covered > -1
}
else := 0 if unknowns.unknown(pattern)
else := -1

# Variables may stand behind the fifth colon only.
_resource_with_variables(pattern) := _filled_in(parts[1], variables.fill_in(parts[2], true)) if {
	parts := regex.find_all_string_submatch_n(`^(?s:((?:[^:]*:){5})(.*))$`, pattern, 1)[0]
	not contains(parts[1], "${")
}
else := -1

_filled_in(head, rest) := 1 if {
	_covers(head, rest.loose) == 1
	_covers(head, rest.strict) == 1
}
else := 0 if _covers(head, rest.loose) >= 0
else := -1

_covers(head, rest) := arns.covers_escaped(concat("", [patterns.escape_backslashes(head), rest]), request.resource)
