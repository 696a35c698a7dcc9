# METADATA
# title: Agreement
# description: |
#   Whether the two halves of a grant across accounts say the same: what a role's own policies let it ask of a bucket, and what the
#   bucket's policy lets it have. Only roles and buckets that are both among the stacks of the input are looked at.
# related_resources:
#   - description: Cross-account policy evaluation logic
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
package iam.agreement

import data.iam.actions
import data.iam.principals
import data.iam.standins
import data.iam.statements
import data.pulumi.attachments
import data.pulumi.fingerprints
import data.pulumi.roles

# The attachments of buckets, and each principal that their policies name, before they are read: most have nothing to do with each other.
_buckets := [attachment | some attachment in attachments.found; attachment.kind == "bucket"]

_principals := [{"place": place, "index": index, "name": name} |
	some place, bucket in _buckets
	some index, statement in _list(json.unmarshal(bucket.text).Statement)
	statement.Effect == "Allow"
	some name in _list(statement.Principal.AWS)
]

# The places of the buckets, by the ARN, and by each principal that their policies name. It is worked out once, not anew for each name.
# regal ignore:prefer-set-or-object-rule
_buckets_by_name := {name: places |
	some pair in _pairs
	name := pair.name # regal ignore:comprehension-term-assignment
	places := {one.place | some one in _pairs; one.name == name}
}

_pairs := array.concat(_principals, [{"name": bucket.arn, "place": place} | some place, bucket in _buckets])

# The buckets in other accounts that a role's policies name, or that name the role, as they were read.
_related(role, documents) := {bucket |
	some name in ({role.arn} | {regex.replace(resource, `/.*$`, "") |
		some document in documents
		some statement in document.statements
		some resource in _list(object.get(statement.source, "Resource", []))
	})
	some place in _buckets_by_name[name]
	_buckets[place].account != role.account
	bucket := attachments.reading(_buckets[place])
	bucket.state == "known"
}

# METADATA
# title: One-sided grants
# description: |
#   Each action that only one half of a grant allows, as {"half", "role", "bucket", "action", "witness"}: the half is the one that says too
#   little, "bucket" or "role".
one_sided := [{"half": half, "role": role, "bucket": between, "action": action, "witness": witness} |
	some role in _roles
	some bucket in _related(role, role.documents)
	asked := _asked(role, bucket)
	some [half, action] in {[half, request.action] | some [half, request] in asked}
	witness := [request | some [h, request] in asked; h == half; request.action == action][0]
	said := {fingerprints.policy(policy) | some policy in role.read}
	between := object.union(bucket, {"beside": [role.arn, said]})
]

# The roles that can have to do with a bucket in another account, with their policies as they were read.
_roles := [object.union(role, {
	"read": [one.policy | some one in array.concat(read, limits)],
	"documents": [one.document | some one in read],
	"layers": [[one.document | some one in layer] | some layer in [read, limits]; count(layer) > 0],
}) |
	some role in roles.found
	count(_accounts_of_buckets - {role.account}) > 0
	read := _known(role.policies)
	limits := _known(role.limits)
]

_known(policies) := [one | some attachment in policies; one := attachments.reading(attachment); one.state == "known"]

_accounts_of_buckets contains bucket.account if some bucket in _buckets

# What the two halves say of the caller and of where the request comes from may be as both want it.
_asked(role, bucket) := {[half, one.request] |
	some statement in array.concat(_own(role), _for(bucket, role))
	tried := [{"request": request, "asked": _chosen(request), "role": by_role, "bucket": by_bucket} |
		some request in _requests(statement, role, bucket)
		case := {"request": object.union(request, {"resource": {"resource": request.resource, "accountId": bucket.account}})}
		by_role := _allows(role, case)
		by_bucket := _lets_in(bucket.document, case)
	]
	agreed := {one.asked | some one in tried; one.role; one.bucket}
	some one in tried
	one.role != one.bucket
	not one.asked in agreed
	half := {true: "bucket", false: "role"}[one.role]
}

# What a caller chooses of a request.
_chosen(request) := [request.action, request.resource, {key: value |
	some key, value in request.context
	_is_chosen(key)
}]

_is_chosen(key) if {
	startswith(key, "s3:")
	key != "s3:resourceaccount"
}

_own(role) := [statement |
	some document in role.documents
	some statement in document.statements
	statement.effect == "Allow"
]

# The statements of a bucket's policy that name the role, as their principal or in a condition.
_for(bucket, role) := [statement |
	some statement in bucket.document.statements
	statement.effect == "Allow"
	_names(statement, role)
]

_names(statement, role) if {
	some ["AWS", name] in statement.principal.names
	name == role.arn
}

_names(statement, role) if {
	some condition in statement.conditions
	condition.context_key == "aws:principalarn"
	role.arn in _list(condition.wanted)
}

# What a statement grants on the bucket, as requests of the role.
_requests(statement, role, bucket) := {{"principal": session, "action": action, "resource": resource, "context": context} |
	some resource in {resource | some pattern in _list(statement.source.Resource); some resource in _meant(pattern, bucket.arn)}
	some action in {action | some pattern in _list(statement.source.Action); some action in _named(pattern)}
	_is_done_on(action, resource)
	some context in contexts
	case := {"request": {
		"principal": session, "action": action, "context": context,
		"resource": {"resource": resource, "accountId": bucket.account},
	}}
	statements.matches(statement) == 1 with input as case
} if {
	session := concat("", ["arn:", split(role.arn, ":")[1], ":sts::", role.account, ":assumed-role/", role.name, "/session"])
	looked_at := array.concat(statement.conditions, [condition |
		some layer in array.concat([[bucket.document]], role.layers)
		some document in layer
		some beside in document.statements
		some condition in beside.conditions
		not _is_chosen(condition.context_key)
	])
	contexts := standins.contexts(looked_at, object.union(
		{
			"aws:securetransport": ["true"],
			"s3:tlsversion": ["1.3"],
			"aws:principalarn": [role.arn],
			"aws:principalaccount": [role.account],
		},
		object.filter(
			{
				"aws:principalisawsservice": ["false"],
				"aws:principaltype": ["AssumedRole"],
				"aws:resourceaccount": [bucket.account],
				"aws:viaawsservice": ["false"],
				"s3:resourceaccount": [bucket.account],
			},
			[condition.context_key | some condition in looked_at],
		),
	))
}

_is_done_on(action, resource) if {true: "object", false: "bucket"}[contains(resource, "/")] in actions.types(action)

_is_done_on(action, _) if not actions.known(action)

_named(pattern) := actions.expansion(pattern) if regex.match(`[*?]`, pattern)

else := {pattern}

# What of a bucket a pattern means. Whether a wildcard in front of its name covers it, is tried with the request.
_meant(pattern, arn) := {standins.instance(pattern)} if pattern == arn

else := {standins.instance(pattern)} if startswith(pattern, concat("", [arn, "/"]))

else := {arn, concat("", [arn, "/x"])} if regex.match("^[^/]*[*?]", pattern)

default _allows(_, _) := false

_allows(role, case) if {
	count(role.documents) > 0
	every layer in role.layers {
		_layer_allows(layer, case)
	}
}

_layer_allows(documents, case) if {
	count(_taking_away(documents, case)) == 0
	some document in documents
	some statement in document.statements
	statement.effect == "Allow"
	statements.matches(statement) == 1 with input as case
}

# A Deny with conditions on what a caller chooses may be about other requests than this one.
_taking_away(documents, case) := [statement |
	some document in documents
	some statement in document.statements
	statement.effect == "Deny"
	count([condition | some condition in statement.conditions; _is_chosen(condition.context_key)]) == 0
	some [_, 1] in principals.names(statement) with input as case
	statements.matches(statement) == 1 with input as case
]

default _lets_in(_, _) := false

_lets_in(document, case) if {
	count(_taking_away([document], case)) == 0
	some statement in document.statements
	statement.effect == "Allow"
	some [_, 1] in principals.names(statement) with input as case
	statements.matches(statement) == 1 with input as case
}

# METADATA
# title: Roles that are named but are not there
# description: |
#   Each role that a bucket's policy names, of an account whose stack is among those of the input, but that no stack makes, as
#   {"bucket", "index", "named", "near"}: near is the role that comes closest, empty where none does.
strangers := [{"bucket": bucket, "index": said.index, "named": name, "near": near} |
	some said in _principals
	name := said.name
	contains(name, ":role/")
	not name in _arns
	near := _near(name)
	_expected(name, near)
	bucket := attachments.reading(_buckets[said.place])
	bucket.state == "known"
]

_arns contains role.arn if some role in roles.found

_accounts contains role.account if some role in roles.found

_expected(name, _) if split(name, ":")[4] in _accounts

_expected(_, near) if near != ""

_near(name) := arns[0] if {
	arns := sort([arn | some arn in _arns; lower(_last(arn)) == lower(_last(name))])
	count(arns) > 0
}

else := ""

_last(arn) := regex.replace(arn, `^.*/`, "")

_list(value) := value if is_array(value)

else := [value]
