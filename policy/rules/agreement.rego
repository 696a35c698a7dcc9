# METADATA
# title: Agreement
# description: |
#   Whether the two halves of a grant across accounts say the same: what a role's own policies let it ask of a bucket, and what the
#   bucket's policy lets it have, by itself or through an access point. Only roles and buckets that are both among the stacks of the input
#   are looked at.
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
import data.pulumi.points
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

# The access points that lead to these buckets, by how the policies of roles name them, and by each principal that their own policies name.
_points := [object.union(point, {"place": place}) |
	count(points.found) > 0
	some point in points.found
	some place in _buckets_by_name[point.bucket]
	_buckets[place].arn == point.bucket
]

# regal ignore:prefer-set-or-object-rule
_points_by_name := {name: places |
	some pair in _point_pairs
	name := pair.name # regal ignore:comprehension-term-assignment
	places := {one.place | some one in _point_pairs; one.name == name}
}

_point_pairs := [{"name": name, "place": place} |
	some place, point in _points
	some name in ({concat("", [point.account, ":accesspoint/", point.name])} | {principal |
		some statement in _list(json.unmarshal(point.policy.text).Statement)
		statement.Effect == "Allow"
		some principal in _list(statement.Principal.AWS)
	})
]

# The ways to buckets in other accounts that a role's policies name, or that name the role: to a bucket itself, or through an access point
# of it. The gates of a way are the policies that have to let a request pass, as they were read, the first of them that of what is asked.
_ways(role) := {{"gates": [gate], "point": null} |
	some name in _names(role)
	some place in _buckets_by_name[name]
	gate := _gate(_buckets[place], "bucket policy", role)
} | {{"gates": [first, last], "point": object.remove(point, ["policy"])} |
	some name in _names(role)
	some place in _points_by_name[name]
	point := _points[place]
	first := _gate(point.policy, concat(" ", ["policy of the access point", point.name]), role)
	last := _gate(_buckets[point.place], "bucket policy", role)
}

_gate(attachment, title, role) := object.union(read, {"title": title}) if {
	attachment.account != role.account
	read := attachments.reading(attachment)
	read.state == "known"
}

# What the policies of buckets and access points, and those of the role about them, can have in common. The region of an access point is
# not known before it is there.
_names(role) := {role.arn} | {name |
	some document in role.documents
	some statement in document.statements
	some resource in _list(object.get(statement.source, "Resource", []))
	name := regex.replace(regex.replace(resource, _point_form, "$1"), `^(arn:[^/]*)/.*$`, "$1")
}

_point_form := `^arn:[^:]*:s3:[^:]*:([0-9]+:accesspoint/[^/]*).*$`

# METADATA
# title: One-sided grants
# description: |
#   Each action that only one half of a grant allows, as {"half", "role", "bucket", "policy", "action", "witness"}: the half is the one that
#   says too little, "bucket" or "role". The bucket is the attachment that does, or that says more than the role's policies, of the bucket
#   or of an access point of it, and the policy what it is called.
one_sided := [{"half": half, "role": role, "bucket": between, "policy": gate.title, "action": action, "witness": witness} |
	some role in _roles
	some way in _ways(role)
	asked := _asked(role, way)
	some [half, action] in {[half, request.action] | some [half, request] in asked}
	witness := [request | some [h, request] in asked; h == half; request.action == action][0]
	gate := _between(half, witness, way)
	said := {fingerprints.policy(policy) | some policy in role.read}
	between := object.union(gate, {"beside": [role.arn, said]})
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
_asked(role, way) := {[half, one.request] |
	some statement in array.concat(_own(role), _for(way.gates[0], role))
	tried := [{"request": request, "asked": _chosen(request), "role": by_role, "bucket": by_bucket} |
		some request in _requests(statement, role, way)
		steps := _steps(request, way)
		by_role := _all_allowed(role, steps)
		by_bucket := _all_let_in(steps)
	]
	agreed := {one.asked | some one in tried; one.role; one.bucket}
	some one in tried
	one.role != one.bucket
	not one.asked in agreed
	half := {true: "bucket", false: "role"}[one.role]
}

# What a caller chooses of a request, on the way that it comes.
_chosen(request) := [request.action, request.resource, {key: value |
	some key, value in request.context
	_is_chosen(key)
}]

_is_chosen(key) if {
	startswith(key, "s3:")
	not key in {"s3:accesspointnetworkorigin", "s3:dataaccesspointaccount", "s3:dataaccesspointarn", "s3:resourceaccount"}
}

_between("role", _, way) := way.gates[0]

_between("bucket", request, way) := [step.gate | some step in _steps(request, way); not _lets_in(step.gate.document, step.case)][0]

_own(role) := [statement |
	some document in role.documents
	some statement in document.statements
	statement.effect == "Allow"
]

# The statements of a policy that name the role, as their principal or in a condition.
_for(gate, role) := [statement |
	some statement in gate.document.statements
	statement.effect == "Allow"
	_is_for(statement, role)
]

_is_for(statement, role) if {
	some ["AWS", name] in statement.principal.names
	name == role.arn
}

_is_for(statement, role) if {
	some condition in statement.conditions
	condition.context_key == "aws:principalarn"
	role.arn in _list(condition.wanted)
}

# What a statement grants on the way, as requests of the role.
_requests(statement, role, way) := {{"principal": session, "action": action, "resource": resource, "context": context} |
	some resource in {resource | some pattern in _list(statement.source.Resource); some resource in _meant(pattern, way)}
	some action in {action | some pattern in _list(statement.source.Action); some action in _named(pattern)}
	_is_done_on(action, resource)
	some context in standins.contexts(looked_at, object.union(_carried(resource, way.point), known))
	case := _case({"principal": session, "action": action, "context": context}, resource, account)
	statements.matches(statement) == 1 with input as case
} if {
	session := concat("", ["arn:", split(role.arn, ":")[1], ":sts::", role.account, ":assumed-role/", role.name, "/session"])
	account := way.gates[0].account
	looked_at := array.concat(statement.conditions, [condition |
		some layer in array.concat([[gate.document | some gate in way.gates]], role.layers)
		some document in layer
		some beside in document.statements
		some condition in beside.conditions
		not _is_chosen(condition.context_key)
	])
	known := object.union(
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
				"aws:resourceaccount": [account],
				"aws:viaawsservice": ["false"],
				"s3:resourceaccount": [account],
			},
			[condition.context_key | some condition in looked_at],
		),
	)
}

_is_done_on(action, resource) if {
	name := replace(resource, ":accesspoint/", ":")
	{true: "object", false: "bucket"}[contains(name, "/")] in actions.types(action)
}

# What the catalogue does not have of S3 may be new; what it does not have at all is nothing to a bucket.
_is_done_on(action, _) if {
	startswith(lower(action), "s3:")
	not actions.known(action)
}

_named(pattern) := actions.expansion(pattern) if regex.match(`[*?]`, pattern)

else := {pattern}

# What a pattern means of the bucket, or of the access point, that the way leads to. Whether a wildcard in front of the bucket's name covers
# it, is tried with the request.
_meant(pattern, way) := {standins.instance(pattern)} if {
	way.point != null
	regex.replace(pattern, _point_form, "$1") == concat("", [way.point.account, ":accesspoint/", way.point.name])
}

_meant(pattern, way) := _meant_of(pattern, way.gates[0].arn) if way.point == null

_meant_of(pattern, arn) := {standins.instance(pattern)} if pattern == arn

else := {standins.instance(pattern)} if startswith(pattern, concat("", [arn, "/"]))

else := {arn, concat("", [arn, "/x"])} if regex.match("^[^/]*[*?]", pattern)

# What a request carries of the access point that it comes through.
_carried(_, null) := {"s3:dataaccesspointarn": [null], "s3:dataaccesspointaccount": [null], "s3:accesspointnetworkorigin": [null]}

_carried(resource, point) := {
	"s3:dataaccesspointarn": [regex.replace(resource, `/object/.*$`, "")],
	"s3:dataaccesspointaccount": [point.account],
	"s3:accesspointnetworkorigin": [point.origin],
} if {
	point != null
}

# The request as each gate sees it: S3 asks about the access point, and about the bucket behind it.
_steps(request, way) := [{"gate": gate, "case": _case(request, resource, gate.account)} |
	some i, gate in way.gates
	resource := [request.resource, regex.replace(request.resource, `^.*?:accesspoint/[^/]*(?:/object)?`, gate.arn)][i]
]

_case(request, resource, account) := {"request": object.union(request, {"resource": {"resource": resource, "accountId": account}})}

default _all_allowed(_, _) := false

_all_allowed(role, steps) if {
	every step in steps {
		_allows(role, step.case)
	}
}

default _all_let_in(_) := false

_all_let_in(steps) if {
	every step in steps {
		_lets_in(step.gate.document, step.case)
	}
}

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
#   {"bucket", "index", "named", "near"}: near is the role that comes closest, empty where none does. Where the policy names a role of
#   these stacks too, others are taken for those of stacks that are not given.
strangers := [{"bucket": bucket, "index": said.index, "named": name, "near": near} |
	some said in _principals
	name := said.name
	contains(name, ":role/")
	not name in _arns
	near := _near(name, said.place)
	_expected(name, near, said.place)
	bucket := attachments.reading(_buckets[said.place])
	bucket.state == "known"
]

_arns contains role.arn if some role in roles.found

_accounts contains role.account if some role in roles.found

# The roles of the stacks that each bucket's policy names.
# regal ignore:prefer-set-or-object-rule
_known_by_place := {place: arns |
	some place, _ in _buckets
	arns := {said.name | some said in _principals; said.place == place; said.name in _arns}
}

_expected(name, _, place) if {
	account := split(name, ":")[4]
	account in _accounts
	not account in {split(arn, ":")[4] | some arn in _known_by_place[place]}
}

_expected(_, near, _) if near != ""

_near(name, place) := arns[0] if {
	arns := sort([arn | some arn in _arns; lower(_last(arn)) == lower(_last(name)); _mistaken(name, arn, place)])
	count(arns) > 0
}

else := ""

# An account has no two roles of one name, whatever its path and the case of its letters; another account can well have one of that name.
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
_mistaken(name, arn, _) if split(name, ":")[4] == split(arn, ":")[4]

_mistaken(_, arn, place) if not arn in _known_by_place[place]

_last(arn) := regex.replace(arn, `^.*/`, "")

_list(value) := value if is_array(value)

else := [value]
