# METADATA
# title: Roles
# description: |
#   The roles of the stacks with what belongs to them, as {"stack", "urn", "name", "account", "arn", "uniqueId", "managed", "boundary"}.
#   The ARN has the role's path; the unique id is empty until the role is there; managed are the ARNs of the managed policies that the
#   stacks attach, which stand for what is not known yet where they are not; the boundary is empty where the role has none.
package pulumi.roles

import data.pulumi.stacks

# METADATA
# title: What was found
# description: An array of roles, in the order of the resources.
found := [{
	"stack": resource.stack,
	"urn": resource.urn,
	"name": name,
	"account": resource.account,
	"arn": object.get(resource.outputs, "arn", concat("", ["arn:aws:iam::", resource.account, ":role", path, name])),
	"uniqueId": object.get(resource.outputs, "uniqueId", ""),
	"managed": array.concat(
		object.get(resource.inputs, "managedPolicyArns", []),
		object.get(_attached, _key(resource.stack, name), []),
	),
	"boundary": object.get(resource.inputs, "permissionsBoundary", ""),
} |
	some resource in stacks.resources
	resource.type == "aws:iam/role:Role"
	name := object.get(resource.inputs, "name", resource.name)
	path := object.get(resource.inputs, "path", "/")
]

_attached[key] := [attachment.inputs.policyArn | some attachment in attachments] if {
	some key, attachments in _attachments
}

_attachments[key] contains resource if {
	some resource in stacks.resources
	resource.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	key := _key(resource.stack, resource.inputs.role)
}

_key(stack, role) := concat(" ", [stack, role])
