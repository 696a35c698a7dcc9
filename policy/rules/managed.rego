# METADATA
# title: Managed policies
# description: |
#   Which policies that AWS itself writes are attached to roles, users and groups of the stacks. Their text is not among what Pulumi shows,
#   and AWS changes it; their names tell what they are for.
# related_resources:
#   - description: AWS managed policies
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html#aws-managed-policies
#   - description: AWS managed policy reference
#     ref: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
package pulumi.managed

import data.pulumi.stacks

# METADATA
# title: Broad policies
# description: |
#   Each policy of AWS that allows more than one task needs, with what it is attached by, as {"resource", "severity", "message"}.
broad := [{"resource": resource, "severity": severity, "message": message} |
	some type, properties in _properties
	some resource in stacks.of_type(type)
	some property in properties
	some arn in _list(resource.inputs[property])
	[path] := regex.find_all_string_submatch_n(`^arn:[^:]*:iam::aws:policy/(.+)$`, arn, 1)
	severity := _severity(regex.replace(path[1], `^.*/`, ""))
	message := sprintf("The managed policy %s %s", [path[1], _messages[severity]])
]

# Where they are named.
_properties := {
	"aws:iam/groupPolicyAttachment:GroupPolicyAttachment": ["policyArn"],
	"aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": ["policyArns"],
	"aws:iam/policyAttachment:PolicyAttachment": ["policyArn"],
	"aws:iam/role:Role": ["managedPolicyArns"],
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment": ["policyArn"],
	"aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": ["policyArns"],
	"aws:iam/userPolicyAttachment:UserPolicyAttachment": ["policyArn"],
	"aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": ["policyArns"],
}

_severity(name) := "critical" if name in _controlling

else := "critical" if startswith(name, "AdministratorAccess")

else := "high" if regex.match("(FullAccess|Administrator|ReadWrite)((_v|V)[0-9]+)?$", name)

else := "medium" if regex.match("(^AWSLambdaExecute|ReadOnlyAccess((_v|V)[0-9]+)?)$", name)

_messages := {
	"critical": "hands over permissions",
	"high": "allows whatever there is to do in a service",
	"medium": "reaches whatever there is in a service",
}

# Those with which other permissions can be taken, as by writing policies, or by passing roles to what one runs.
_controlling := {
	"AWSLambda_FullAccess", "AWSOrganizationsFullAccess", "AWSSSOMasterAccountAdministrator", "AmazonS3FullAccess", "AmazonSNSFullAccess",
	"AmazonSQSFullAccess", "AmazonSSMFullAccess", "IAMFullAccess", "PowerUserAccess", "SecretsManagerReadWrite", "SystemAdministrator",
}

_list(value) := value if is_array(value)

else := [value]
