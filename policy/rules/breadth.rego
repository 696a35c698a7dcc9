# METADATA
# title: Breadth
# description: What the actions of a statement cover beyond what they name.
package iam.breadth

import data.iam.actions
import data.iam.conditions
import data.iam.patterns as texts
import data.iam.resources
import data.iam.standins

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

else := [{"severity": _worst(_left(statement)), "message": "NotAction allows every action but those it names"}]

# The levels of what NotAction leaves: on resources of services that the catalogue has, only their own actions are done.
_left(statement) := {level |
	some action, level in actions.levels
	split(action, ":")[0] in services
	not action in named
} if {
	services := {concat("", array.slice(split(pattern, ":"), 2, 3)) | some pattern in _list(statement.source.Resource)}
	services - actions.services == set()
	named := {action | some pattern in _list(statement.source.NotAction); some action in actions.expansion(pattern)}
}

else := {"Permissions management"}

_worst(levels) := "critical" if "Permissions management" in levels

else := "high" if {
	some level in ["Tagging", "Write"]
	level in levels
}

else := "medium"

_judged(pattern, covered, levels) := ["critical", sprintf("%s covers actions that hand over permissions", [pattern])] if {
	_hands_over(pattern, levels)
}

else := ["high", sprintf("%s covers actions that write", [pattern])] if levels & {"Tagging", "Write"} != set()

else := ["medium", sprintf("%s covers %d actions that read", [pattern, count(covered)])] if count(covered) > 0

# Of services that the catalogue does not have, only the verb tells.
else := ["medium", sprintf("%s covers actions that read", [pattern])] if {
	regex.match(`^(?i:[a-z0-9-]+:(?:BatchGet|Describe|Get|List)[a-z0-9]*\*)$`, pattern)
}

else := ["high", sprintf("%s covers actions that are not named", [pattern])]

_hands_over(_, levels) if "Permissions management" in levels

_hands_over(pattern, _) if {
	expression := concat("", ["^(?i:", texts.expression(pattern), ")$"])
	some action in _administering
	regex.match(expression, action)
}

# Actions that permissions are managed with and that have another access level, or none in the catalogue; in lower case.
_administering := (actions.permissions | {action | some action in _escalations; startswith(action, "iam:")}) | {
	"account:enableregion", "iam:createrole", "identitystore:creategroupmembership", "ram:createresourceshare",
	"sso:createaccountassignment",
}

# METADATA
# title: Actions that hand over control
# description: |
#   The actions that a prepared Allow statement names, and that change who may do what, or run code as somebody else; not those that its
#   document takes back, or that the statement's conditions keep to what hands over nothing.
controlling(statement, document) := {action |
	some action in _list(statement.source.Action)
	not regex.match(`[*?]`, action)
	_controls(lower(action), statement)
	not _harmless(lower(action), statement)
	not _taken_back(action, statement, document)
}

_controls(action, _) if {
	actions.known(action).access == "Permissions management"
	action != _of_replicas
}

_controls(action, _) if action in (_escalations | (_administering - {"iam:createrole"}))

# Who may pass or assume a role that nobody has named, may every one.
_controls(action, statement) if {
	action in {"iam:passrole", "sts:assumerole"}
	not _bounded(statement)
	some account in ({"000000000000"} | {id | some id in regex.find_n(`[0-9]{12}`, json.marshal(statement.source), -1)})
	some partition in _partitions(statement)
	_may_be_on(statement, concat("", ["arn:", partition, ":iam::", account, ":role/nobody-s"]))
}

# With it a replica belongs to the bucket that it is in: AWS has it allowed for that.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-change-owner.html
_of_replicas := "s3:objectowneroverridetobucketowner"

# Actions with which permissions can be taken that one does not have, in lower case.
_escalations := {
	"ec2-instance-connect:sendserialconsolesshpublickey", "ec2-instance-connect:sendsshpublickey", "glue:updatedevendpoint",
	"iam:addusertogroup", "iam:attachgrouppolicy", "iam:attachrolepolicy", "iam:attachuserpolicy", "iam:createaccesskey",
	"iam:createloginprofile", "iam:createpolicyversion", "iam:createsamlprovider", "iam:createservicespecificcredential",
	"iam:deleterolepermissionsboundary", "iam:deleteuserpermissionsboundary", "iam:putgrouppolicy", "iam:putrolepermissionsboundary",
	"iam:putrolepolicy", "iam:putuserpermissionsboundary", "iam:putuserpolicy", "iam:resetservicespecificcredential",
	"iam:setdefaultpolicyversion", "iam:updateassumerolepolicy", "iam:updateloginprofile", "iam:updatesamlprovider",
	"lambda:updatefunctioncode", "lambda:updatefunctionconfiguration", "ssm:sendcommand", "ssm:startsession",
}

_harmless(action, statement) if {
	[key, harms] := _harms[action]
	some condition in statement.conditions
	condition.context_key == key
	every context in array.concat([{}], [{key: harm} | some harm in harms]) {
		conditions.test(condition) == -1 with input as {"request": {"context": context}}
	}
}

# The key by which a condition can keep an action harmless, and the values of it that are not.
_harms := {
	"kms:creategrant": _by_anybody, "kms:retiregrant": _by_anybody, "kms:revokegrant": _by_anybody,
	"s3:putbucketacl": _public, "s3:putobjectacl": _public, "s3:putobjectversionacl": _public,
}

# Grants for services of AWS, so that they encrypt what the caller has there.
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#key-policy-service-integration
_by_anybody := ["kms:grantisforawsresource", ["false"]]

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
_public := ["s3:x-amz-acl", ["authenticated-read", "public-read", "public-read-write"]]

_taken_back(action, statement, document) if {
	some denying in document.statements
	denying.effect == "Deny"
	denying.conditions == []
	regex.match(denying.action.pattern, action) == denying.action.covers
	some whom in [statement.principal, {"covers": true, "names": "everyone"}]
	denying.principal == whom
	some all_of_it in [{"*"}, {pattern | some pattern in _list(statement.source.Resource)}]
	all_of_it - {pattern | some pattern in _list(denying.source.Resource)} == set()
}

_list(value) := value if is_array(value)

else := [value]

# METADATA
# title: Broad resources
# description: |
#   The actions that a prepared Allow statement names, and that could be allowed on certain resources, where it allows them on all, or with
#   NotResource on all others. What a resource's own policy allows is only done on that resource.
broad(statement, kind) := {action |
	some action in _list(statement.source.Action)
	_is_on_all(action, statement, kind)
	not _bounded(statement)
}

_is_on_all(action, statement, _) if {
	statement.source.NotResource
	not _on_none(action)
}

_is_on_all(action, statement, "identity") if {
	some pattern in _list(statement.source.Resource)
	regex.match(`[*?]`, pattern)
	not regex.match(`^arn:[^:]*:s3:::[^*?/]`, pattern) # what nearly every statement has
	some format in actions.formats(action)
	some arn in _nobodys(format.format, pattern, statement)
	_may_be_on(statement, arn)
}

_on_none(action) if actions.known(action).resources == []

# ARNs of what nobody has named, with what the pattern has behind the name.
_nobodys(format, pattern, statement) := {regex.replace(text, `\$\{[^}]+\}`, "nobody-s") |
	some partition in _partitions(statement)
	some text in {
		strings.replace_n({"${Partition}": partition, "${Account}": "000000000000"}, format),
		strings.replace_n({"${Partition}": partition, "${ObjectName}": standins.instance(regex.replace(pattern, `^[^/]*/`, ""))}, format),
	}
}

_partitions(statement) := {"aws"} | {partition |
	some pattern in _list(object.get(statement.source, "Resource", []))
	[_, partition] := regex.find_all_string_submatch_n(`^arn:([a-z-]+):`, pattern, 1)[0]
}

# Where it is not settled, a resource may be among those of the statement.
_may_be_on(statement, arn) if {
	resources.covers(statement.resource) > -1 with input as {"request": {"resource": {"resource": arn}, "context": {}}}
}

# A condition that the resources of others do not meet.
_bounded(statement) if {
	some condition in statement.conditions
	regex.match(_about_resources, condition.context_key)
	conditions.test(condition) == -1 with input as {"request": {"context": _of_others}}
}

_about_resources := `^(?:aws:resource(?:account|org.*)|s3:resourceaccount|kms:resourcealiases|.*:(?:resource|existingobject)tag/.*)$`

_of_others := {
	"aws:resourceaccount": "000000000000", "s3:resourceaccount": "000000000000",
	"aws:resourceorgid": "o-stranger00", "aws:resourceorgpaths": ["o-stranger00/r-0000/ou-0000-00000000/"],
}

# METADATA
# title: Actions on resources that they cannot have
# description: The actions that a prepared Allow statement names, patterns as a whole, and that none of its resources is one for.
misplaced(statement) := {action |
	some action in _list(statement.source.Action)
	meant := _meant(action)
	count(meant) > 0
	patterns_of_it := _list(statement.source.Resource)
	every one in meant {
		every pattern in patterns_of_it {
			not _has_place(one, pattern)
		}
	}
}

_meant(action) := actions.expansion(action) if regex.match(`[*?]`, action)

else := {action | actions.known(action)}

_has_place(_, "*")

# Actions on no resource are on all.
_has_place(action, pattern) if {
	actions.types(action) == set()
	regex.match(`^arn:(?:[^:]*:){4}\*$`, pattern)
}

_has_place(action, pattern) if {
	[_, service, region, account, name] := regex.find_all_string_submatch_n(`^arn:[^:]*:([^:]*):([^:]*):([^:]*):(.*)$`, pattern, 1)[0]
	some format in actions.formats(action)
	_may_be(service, format.service)
	_may_be(region, format.region)
	_may_be(account, format.account)
	_may_be_called(regex.replace(name, `\$\{[^}]*\}`, "*"), format)
}

# Whether a part of a pattern can be that of a format.
_may_be(part, wanted) if part == wanted

_may_be(part, wanted) if {
	startswith(wanted, "$")
	part != ""
}

_may_be(part, wanted) if {
	regex.match(`[*?$]`, part)
	regex.match(concat("", ["^", texts.expression(part), "$"]), wanted)
}

# A wildcard can stand for what the format begins with.
_may_be_called(name, format) if {
	beginning := regex.replace(name, `[*?].*$`, "")
	beginning != name
	startswith(format.literal, beginning)
	beginning != format.literal
}

_may_be_called(name, format) if {
	some run in ["", "x", "x/x"]
	regex.match(format.expression, replace(replace(name, "*", run), "?", "x"))
}

# METADATA
# title: Unknown actions
# description: |
#   The actions that a prepared statement names, of services of the catalogue, that the catalogue does not have, and the patterns that cover
#   none.
unknown(statement) := {action |
	some element in ["Action", "NotAction"]
	some action in _list(object.get(statement.source, element, []))
	lower(split(action, ":")[0]) in actions.services
	count(_meant(action)) == 0
}
