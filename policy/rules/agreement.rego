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
import data.iam.preparation
import data.iam.principals
import data.iam.standins
import data.iam.statements
import data.pulumi.attachments
import data.pulumi.fingerprints
import data.pulumi.stacks

# METADATA
# title: Roles
# description: |
#   Each role of the stacks as {"stack", "urn", "arn", "account", "policies", "documents"}: its inline policies as they are, and prepared.
roles := [{
	"stack": resource.stack,
	"urn": resource.urn,
	"account": resource.account,
	"arn": arn,
	"documents": [preparation.document(policy) | some policy in policies],
	"policies": policies,
} |
	some resource in stacks.resources
	resource.type == "aws:iam/role:Role"
	policies := [attachment.policy |
		some attachment in attachments.known
		attachment.kind == "identity"
		attachment.stack == resource.stack
		attachment.role == resource.inputs.name
	]
	arn := concat("", ["arn:aws:iam::", resource.account, ":role", object.get(resource.inputs, "path", "/"), resource.inputs.name])
]

_buckets := [object.union(attachment, {"document": preparation.document(attachment.policy)}) |
	some attachment in attachments.known
	attachment.kind == "bucket"
]

# METADATA
# title: One-sided grants
# description: |
#   Each action that only one half of a grant allows, as {"half", "role", "bucket", "action", "witness"}: the half is the one that says too
#   little, "bucket" or "role".
one_sided := [{"half": half, "role": role, "bucket": between, "action": action, "witness": witness} |
	some role in roles
	some bucket in _buckets
	role.account != bucket.account
	asked := _asked(role, bucket)
	some [half, action] in {[half, request.action] | some [half, request] in asked}
	witness := [request | some [h, request] in asked; h == half; request.action == action][0]
	between := object.union(bucket, {"beside": [role.arn, {fingerprints.policy(policy) | some policy in role.policies}]})
]

_asked(role, bucket) := {[half, request] |
	some statement in array.concat(_own(role), _for(bucket, role))
	some request in _requests(statement, role, bucket)
	case := {"request": object.union(request, {"resource": {"resource": request.resource, "accountId": bucket.account}})}
	by_role := _allows(role.documents, case)
	by_bucket := _lets_in(bucket.document, case)
	by_role != by_bucket
	half := {true: "bucket", false: "role"}[by_role]
}

_own(role) := [statement |
	some document in role.documents
	some statement in document.statements
	statement.effect == "Allow"
]

# The statements of a bucket's policy that name the role.
_for(bucket, role) := [statement |
	some statement in bucket.document.statements
	statement.effect == "Allow"
	some ["AWS", name] in statement.principal.names
	name == role.arn
]

# What a statement grants on the bucket, as requests of the role.
_requests(statement, role, bucket) := {{"principal": session, "action": action, "resource": resource, "context": context} |
	some resource in {standins.instance(pattern) | some pattern in _list(statement.source.Resource); _within(pattern, bucket.arn)}
	some action in {action | some pattern in _list(statement.source.Action); some action in _named(pattern)}
	some context in standins.contexts(statement.conditions, {
		"aws:securetransport": ["true"],
		"s3:tlsversion": ["1.3"],
		"aws:principalarn": [role.arn],
		"aws:principalaccount": [role.account],
	})
	case := {"request": {
		"principal": session, "action": action, "context": context,
		"resource": {"resource": resource, "accountId": bucket.account},
	}}
	statements.matches(statement) == 1 with input as case
} if {
	session := concat("", ["arn:aws:sts::", role.account, ":assumed-role/", regex.replace(role.arn, `^.*/`, ""), "/session"])
}

_named(pattern) := actions.expansion(pattern) if regex.match(`[*?]`, pattern)

else := {pattern}

_within(pattern, arn) if pattern == arn

_within(pattern, arn) if startswith(pattern, concat("", [arn, "/"]))

default _allows(_, _) := false

_allows(documents, case) if {
	some document in documents
	some statement in document.statements
	statement.effect == "Allow"
	statements.matches(statement) == 1 with input as case
}

default _lets_in(_, _) := false

_lets_in(document, case) if {
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
strangers := [{"bucket": bucket, "index": statement.index, "named": name, "near": near} |
	some bucket in _buckets
	some statement in bucket.document.statements
	statement.effect == "Allow"
	some ["AWS", name] in statement.principal.names
	contains(name, ":role/")
	not name in {role.arn | some role in roles}
	near := _near(name)
	_expected(name, near)
]

_expected(name, _) if split(name, ":")[4] in {role.account | some role in roles}

_expected(_, near) if near != ""

_near(name) := arns[0] if {
	arns := sort([role.arn | some role in roles; lower(_last(role.arn)) == lower(_last(name))])
	count(arns) > 0
}

else := ""

_last(arn) := regex.replace(arn, `^.*/`, "")

_list(value) := value if is_array(value)

else := [value]
