# METADATA
# title: Breadth
# description: What the actions of a statement cover beyond what they name.
package iam.breadth

import data.iam.actions
import data.iam.patterns as texts

# METADATA
# title: Broad patterns
# description: Each action of a prepared Allow statement that is a pattern, as {"severity", "message"}; NotAction is one as a whole.
patterns(statement) := [{"severity": severity, "message": message} |
	some pattern in _list(statement.source.Action)
	regex.match(`[*?]`, pattern)
	covered := actions.expansion(pattern)
	levels := {level | some action in covered; level := actions.levels[action]}
	[severity, message] := _judged(pattern, covered, levels)
] if {
	statement.source.Action
}

else := [{"severity": "critical", "message": "NotAction allows every action but those it names"}]

_judged(pattern, covered, levels) := ["critical", sprintf("%s covers actions that hand over permissions", [pattern])] if {
	_hands_over(pattern, levels)
}

else := ["high", sprintf("%s covers actions that write", [pattern])] if levels & {"Tagging", "Write"} != set()

else := ["medium", sprintf("%s covers %d actions that read", [pattern, count(covered)])] if count(covered) > 0

# Of services that the catalogue does not have, only the verb tells.
else := ["medium", sprintf("%s covers actions that read", [pattern])] if {
	regex.match(`^(?i:[a-z0-9-]+:(?:Describe|Get|List)[a-z0-9]*\*)$`, pattern)
}

else := ["high", sprintf("%s covers actions that are not named", [pattern])]

_hands_over(_, levels) if "Permissions management" in levels

_hands_over(pattern, _) if {
	expression := concat("", ["^(?i:", texts.expression(pattern), ")$"])
	some action in _administering
	regex.match(expression, action)
}

# Actions of services that are not in the catalogue and that permissions are managed with, in lower case.
_administering := {action | some action in _escalations; startswith(action, "iam:")} | {
	"account:enableregion", "iam:createrole", "identitystore:creategroupmembership", "organizations:attachpolicy",
	"ram:createresourceshare", "sso:createaccountassignment",
}

# METADATA
# title: Actions that hand over control
# description: The actions that a prepared Allow statement names, and that change who may do what, or run code as somebody else.
controlling(statement) := {action |
	some action in _list(statement.source.Action)
	not regex.match(`[*?]`, action)
	_controls(lower(action), statement)
}

_controls(action, _) if actions.known(action).access == "Permissions management"

_controls(action, _) if action in _escalations

_controls("iam:passrole", statement) if {
	some resource in _list(statement.source.Resource)
	regex.match(`^\*$|:role/\*$`, resource)
}

# Actions with which permissions can be taken that one does not have, in lower case.
_escalations := {
	"ec2-instance-connect:sendserialconsolesshpublickey", "ec2-instance-connect:sendsshpublickey", "glue:updatedevendpoint",
	"iam:addusertogroup", "iam:attachgrouppolicy", "iam:attachrolepolicy", "iam:attachuserpolicy", "iam:createaccesskey",
	"iam:createloginprofile", "iam:createpolicyversion", "iam:deleterolepermissionsboundary", "iam:deleteuserpermissionsboundary",
	"iam:putgrouppolicy", "iam:putrolepermissionsboundary", "iam:putrolepolicy", "iam:putuserpermissionsboundary", "iam:putuserpolicy",
	"iam:setdefaultpolicyversion", "iam:updateassumerolepolicy", "iam:updateloginprofile", "iam:updatesamlprovider",
	"lambda:updatefunctioncode", "lambda:updatefunctionconfiguration", "ssm:sendcommand", "ssm:startsession",
}

_list(value) := value if is_array(value)

else := [value]

# METADATA
# title: Broad resources
# description: |
#   The actions that a prepared Allow statement names, and that could be allowed on certain resources, where it allows them on all.
broad(statement) := {action |
	some action in _list(statement.source.Action)
	some resource in _list(object.get(statement.source, "Resource", "*"))
	regex.match(`^(\*|arn:[^:]*:[^:]*:\*?:\*?:\*)$`, resource)
	count(actions.types(action)) > 0
}

# METADATA
# title: Actions on resources that they cannot have
# description: The actions of S3 that a prepared Allow statement names, and that none of its resources is one for.
misplaced(statement) := {action |
	some action in _list(statement.source.Action)
	types := actions.types(action)
	startswith(lower(action), "s3:")
	count(types & {"bucket", "object"}) == 1
	resources := _list(statement.source.Resource)
	every resource in resources {
		not _fits(types, resource)
	}
}

_fits(types, resource) if {
	"object" in types
	regex.match(`^\*$|^arn:[^:]*:s3:[^:]*:[^:]*:.*[/*]`, resource)
	not _point(resource)
}

_fits(types, resource) if {
	"bucket" in types
	regex.match(`^\*$|^arn:[^:]*:s3:[^:]*:[^:]*:([^/]*|[^/]*\*.*)$`, resource)
}

# An access point stands for its bucket.
_fits(types, resource) if {
	"bucket" in types
	_point(resource)
}

_point(resource) if regex.match(`^arn:[^:]*:s3:[^:]*:[^:]*:accesspoint/[^/*]*$`, resource)

# METADATA
# title: Unknown actions
# description: The actions that a prepared statement names, of services of the catalogue, that the catalogue does not have.
unknown(statement) := {action |
	some element in ["Action", "NotAction"]
	some action in _list(object.get(statement.source, element, []))
	not regex.match(`[*?]`, action)
	lower(split(action, ":")[0]) in actions.services
	not actions.known(action)
}
