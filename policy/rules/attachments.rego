# METADATA
# title: Attachments
# description: |
#   Every policy document of the stacks with what it is attached to, as {"stack", "urn", "kind", "arn", "account", "role", "text"}. The
#   kind is bucket, accessPoint, key, queue, topic, secret, function, acl (of a bucket or an object, where it is public), other (of any
#   other resource), trust or identity; the role is the name of the role that an identity policy belongs to, empty for others.
package pulumi.attachments

import data.iam.documents
import data.iam.preparation
import data.iam.unknowns
import data.pulumi.acls
import data.pulumi.elsewhere
import data.pulumi.permissions
import data.pulumi.stacks

# METADATA
# title: What was found
# description: An array of attachments, in the order of the resources.
found := [{
	"stack": resource.stack, "urn": resource.urn, "kind": policy.kind, "arn": arn, "account": resource.account,
	"role": _role(resource), "text": policy.text,
} |
	some resource in stacks.resources
	some policy in _policies(resource)
	arn := _arn(policy.kind, resource)
]

_policies(resource) := [{"kind": place.kind, "text": text} |
	some place in _places[resource.type]
	some text in _texts(resource, place.property)
] if {
	_places[resource.type]
} else := elsewhere.policies(resource)

# METADATA
# title: What was read
# description: What was found, as it was read.
read := [reading(attachment) | some attachment in found]

# METADATA
# title: An attachment as it was read
# description: |
#   With the "state" known, unknown or malformed. Where it is known, there is a "policy", and the "document" that is prepared of it.
reading(attachment) := object.union(attachment, _reading(attachment))

# METADATA
# title: Known attachments
# description: Those whose policy can be judged.
known := [attachment | some attachment in read; attachment.state == "known"]

# The properties of each resource type that hold a policy.
_places := {
	"aws:iam/groupPolicy:GroupPolicy": [{"kind": "identity", "property": "policy"}],
	"aws:iam/policy:Policy": [{"kind": "identity", "property": "policy"}],
	"aws:iam/role:Role": [{"kind": "trust", "property": "assumeRolePolicy"}, {"kind": "identity", "property": "inlinePolicies"}],
	"aws:iam/rolePolicy:RolePolicy": [{"kind": "identity", "property": "policy"}],
	"aws:iam/userPolicy:UserPolicy": [{"kind": "identity", "property": "policy"}],
	"aws:kms/externalKey:ExternalKey": [{"kind": "key", "property": "policy"}],
	"aws:kms/key:Key": [{"kind": "key", "property": "policy"}],
	"aws:kms/keyPolicy:KeyPolicy": [{"kind": "key", "property": "policy"}],
	"aws:kms/replicaExternalKey:ReplicaExternalKey": [{"kind": "key", "property": "policy"}],
	"aws:kms/replicaKey:ReplicaKey": [{"kind": "key", "property": "policy"}],
	"aws:lambda/functionUrl:FunctionUrl": [{"kind": "function", "property": ""}],
	"aws:lambda/permission:Permission": [{"kind": "function", "property": ""}],
	"aws:s3/accessPoint:AccessPoint": [{"kind": "accessPoint", "property": "policy"}],
	"aws:s3/bucket:Bucket": [{"kind": "bucket", "property": "policy"}, {"kind": "acl", "property": "acl"}],
	"aws:s3/bucketAcl:BucketAcl": [{"kind": "acl", "property": "acl"}],
	"aws:s3/bucketAclV2:BucketAclV2": [{"kind": "acl", "property": "acl"}],
	"aws:s3/bucketObject:BucketObject": [{"kind": "acl", "property": "acl"}],
	"aws:s3/bucketObjectv2:BucketObjectv2": [{"kind": "acl", "property": "acl"}],
	"aws:s3/bucketPolicy:BucketPolicy": [{"kind": "bucket", "property": "policy"}],
	"aws:s3/bucketV2:BucketV2": [{"kind": "bucket", "property": "policy"}, {"kind": "acl", "property": "acl"}],
	"aws:s3/objectCopy:ObjectCopy": [{"kind": "acl", "property": "acl"}],
	"aws:s3control/accessPointPolicy:AccessPointPolicy": [{"kind": "accessPoint", "property": "policy"}],
	"aws:secretsmanager/secret:Secret": [{"kind": "secret", "property": "policy"}],
	"aws:secretsmanager/secretPolicy:SecretPolicy": [{"kind": "secret", "property": "policy"}],
	"aws:sns/topic:Topic": [{"kind": "topic", "property": "policy"}],
	"aws:sns/topicPolicy:TopicPolicy": [{"kind": "topic", "property": "policy"}],
	"aws:sqs/queue:Queue": [{"kind": "queue", "property": "policy"}],
	"aws:sqs/queuePolicy:QueuePolicy": [{"kind": "queue", "property": "policy"}],
}

_texts(resource, property) := [text | some inline in resource.inputs.inlinePolicies; some text in _inline(inline)] if {
	property == "inlinePolicies"
	is_array(resource.inputs.inlinePolicies)
}

# A permission is a statement in the policy of a function.
else := permissions.texts(resource) if property == ""

else := acls.texts(resource) if property == "acl"

# Inline policies that are not known yet, or secret, are still policies.
else := [resource.inputs[property]] if property in object.keys(resource.inputs)

# What is a policy and nothing else has one, whether it is shown or not.
else := [null] if endswith(resource.type, "Policy")

else := []

_inline(one) := [one.policy] if one.policy

# One without a policy is how a program says that there shall be none.
else := [] if object.keys(one) - {"__defaults", "name"} == set()

else := [null]

default _role(_) := ""

_role(resource) := resource.inputs.role if resource.type == "aws:iam/rolePolicy:RolePolicy"

_role(resource) := resource.inputs.name if resource.type == "aws:iam/role:Role"

_reading(attachment) := {"state": "unknown"} if unknowns.unknown(attachment.text)

else := {"state": "unknown"} if not is_string(attachment.text) # an encrypted secret

else := {"state": "known", "policy": policy, "document": preparation.document(policy)} if {
	policy := json.unmarshal(attachment.text)
	documents.well_formed with input as _case(attachment.kind, policy, attachment.arn, attachment.account)
}

else := {"state": "malformed"}

# The ARN as it will be, as far as its parts are known; it is the same before and after the resource is made.
_arn(kind, resource) := arn if {
	arn := resource.inputs[_named_by[resource.type]]
	is_string(arn)
	startswith(arn, "arn:")
	not unknowns.unknown(arn)
}

else := concat(":", ["arn", resource.partition, "sqs", region, account, name]) if {
	[_, region, account, name] := regex.find_all_string_submatch_n(_queue_url, resource.inputs.queueUrl, 1)[0]
}

else := _bucket(resource) if kind in {"acl", "bucket"}

# The type is as aws:ecr/repositoryPolicy:RepositoryPolicy.
else := concat(":", ["arn", resource.partition, service, _region(resource), _owner(resource.account), local]) if {
	kind == "other"
	[service, type] := split(split(resource.type, ":")[1], "/")
	local := concat("/", [trim_suffix(type, "Policy"), _name(resource)])
}

else := concat(":", ["arn", resource.partition, _service[kind], region, _owner(resource.account), local]) if {
	region := {true: "", false: _region(resource)}[_service[kind] == "iam"]
	local := concat("", [_local[kind], _name(resource)])
}

# What a policy that stands by itself says of what it is attached to.
_named_by := {
	"aws:s3control/accessPointPolicy:AccessPointPolicy": "accessPointArn",
	"aws:secretsmanager/secretPolicy:SecretPolicy": "secretArn",
	"aws:sns/topicPolicy:TopicPolicy": "arn",
}

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
_queue_url := `^https://sqs\.([a-z0-9-]+)\.[a-z.]+/([0-9]{12})/(.+)$`

_region(resource) := resource.region if regex.match(`^[a-z0-9-]*[a-z]-[0-9]+$`, resource.region)

else := "us-east-1"

_bucket(resource) := concat("", ["arn:", resource.partition, ":s3:::", name]) if name := stacks.bucket_name(resource)

else := concat("", ["arn:", resource.partition, ":s3:::bucket"])

_name(resource) := name if name := permissions.function(resource)

else := name if name := _own_name(resource)

else := name if {
	some property in ["arn", "queueUrl"]
	some urn in resource.dependencies[property]
	some name in _names[urn]
}

else := resource.name

_own_name(resource) := name if {
	name := resource.inputs.name
	is_string(name)
	not unknowns.unknown(name)
}

# Of what has a policy that stands by itself.
_names[resource.urn] contains name if {
	some type in {"aws:sns/topic:Topic", "aws:sqs/queue:Queue"}
	some resource in stacks.of_type(type)
	name := _own_name(resource)
}

_owner("") := "123456789012"

_owner(account) := account if account != ""

_service := {
	"accessPoint": "s3",
	"function": "lambda",
	"identity": "iam",
	"trust": "iam",
	"key": "kms",
	"queue": "sqs",
	"topic": "sns",
	"secret": "secretsmanager",
}

_local := {
	"accessPoint": "accesspoint/", "function": "function:", "identity": "policy/", "trust": "role/", "key": "key/", "queue": "",
	"topic": "", "secret": "secret:",
}

_case("identity", policy, arn, account) := object.union(_request(arn, account), {"identityPolicies": [{"name": "", "policy": policy}]})

_case(kind, policy, arn, account) := object.union(
	_request(arn, account),
	{"identityPolicies": [], "resourcePolicy": policy},
) if {
	kind != "identity"
}

_request(arn, account) := {"request": {
	"principal": "anonymous",
	"action": "sts:AssumeRole",
	"resource": {"resource": arn, "accountId": _owner(account)},
	"context": {},
}}
