# METADATA
# title: Roles
# description: The roles of the stacks, each with its policies.
package pulumi.roles

import data.pulumi.attachments
import data.pulumi.stacks

# METADATA
# title: What was found
# description: |
#   Each role of the stacks with what belongs to it, as {"stack", "urn", "account", "name", "arn", "uniqueId", "policies", "managed",
#   "boundary", "limits"}. The unique id is empty until the role is there. The policies are attachments, of its inline policies and of
#   those of the stacks that are attached to it, not read yet; managed are the ARNs of all managed policies, which stand for what is not
#   known yet where they are not; the boundary is empty where the role has none; the limits are the attachments of its policy, none where
#   no stack makes it.
found := [{
	"stack": resource.stack,
	"urn": resource.urn,
	"account": resource.account,
	"name": name,
	"arn": object.get(resource.outputs, "arn", concat("", ["arn:", resource.partition, ":iam::", resource.account, ":role", path, name])),
	"uniqueId": object.get(resource.outputs, "uniqueId", ""),
	"policies": [attachments.found[place] | some place in places],
	"managed": array.concat(
		object.get(resource.inputs, "managedPolicyArns", []),
		[arn | some of in names; some arn in _managed_by_role[of]],
	),
	"boundary": object.get(resource.inputs, "permissionsBoundary", ""),
	"limits": [attachments.found[place] |
		some by in (stacks.names(resource, "permissionsBoundary") - {resource.urn})
		some urn in object.get(_managed_by_arn, by, {by})
		some place in _places_by_urn[urn]
	],
} |
	some resource in stacks.of_type("aws:iam/role:Role")
	name := object.get(resource.inputs, "name", resource.name)
	path := object.get(resource.inputs, "path", "/")
	names := _names(resource, "name")
	places := {place |
		some urn in ({resource.urn} | {urn | some of in names; some urn in _policies_by_role[of]})
		some place in _places_by_urn[urn]
	}
]

# The URNs of the resources whose policies a role has, by each of the role's names. It is, like the others here, worked out once, not anew
# for each name that is asked for.
# regal ignore:prefer-set-or-object-rule
_policies_by_role := {of: urns |
	some pair in _pairs
	of := pair.role # regal ignore:comprehension-term-assignment
	urns := {one.policy | some one in _pairs; one.role == of}
}

_pairs := [pair | some pairs in [_inline, _attached_to_one, _attached_to_several, _said_by_the_role]; some pair in pairs]

_inline := [{"role": of, "policy": resource.urn} |
	some resource in stacks.of_type("aws:iam/rolePolicy:RolePolicy")
	some of in _names(resource, "role")
]

_attached_to_one := [{"role": of, "policy": urn} |
	some resource in stacks.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
	some urn in _urns(resource, "policyArn")
	some of in _names(resource, "role")
]

_attached_to_several := [{"role": of, "policy": urn} |
	some resource in stacks.of_type("aws:iam/policyAttachment:PolicyAttachment")
	some urn in _urns(resource, "policyArn")
	some name in _given(resource, "roles")
	of := _in_account(name, resource.account)
]

_said_by_the_role := [{"role": resource.urn, "policy": urn} |
	some resource in stacks.of_type("aws:iam/role:Role")
	some urn in _urns(resource, "managedPolicyArns")
]

_urns(resource, property) := {urn |
	some name in _given(resource, property)
	some urn in object.get(_managed_by_arn, name, {name})
}

# What a property is, or has, and what it comes from.
_given(resource, property) := {name | some name in object.get(resource.dependencies, property, [])} | {name |
	value := object.get(resource.inputs, property, [])
	some name in ({value} | {one | some one in value})
	is_string(name)
}

# regal ignore:prefer-set-or-object-rule
_managed_by_role := {of: arns |
	some attached in _attached
	of := attached.role # regal ignore:comprehension-term-assignment
	arns := {one.arn | some one in _attached; one.role == of}
}

_attached := [{"role": of, "arn": resource.inputs.policyArn} |
	some resource in stacks.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
	some of in _names(resource, "role")
]

# Managed policies that are not there yet are known by their URN, and by the ARN that they will have.
# regal ignore:prefer-set-or-object-rule
_managed_by_arn := {arn: urns |
	some policy in _managed
	arn := policy.arn # regal ignore:comprehension-term-assignment
	urns := {one.urn | some one in _managed; one.arn == arn}
}

_managed := [{"urn": resource.urn, "arn": arn} |
	some resource in stacks.of_type("aws:iam/policy:Policy")
	path := concat("", [object.get(resource.inputs, "path", "/"), object.get(resource.inputs, "name", resource.name)])
	to_be := concat("", ["arn:", resource.partition, ":iam::", resource.account, ":policy", path])
	arn := object.get(resource.outputs, "arn", to_be)
]

# Names of roles are unique within an account.
_names(resource, property) := {_in_account(name, resource.account) | some name in stacks.names(resource, property)}

_in_account(name, account) := concat("/", [account, name]) if not startswith(name, "urn:pulumi:")

else := name

# Where a resource's policies stand among the attachments.
# regal ignore:prefer-set-or-object-rule
_places_by_urn := {urn: places |
	some attachment in _identity
	urn := attachment.urn # regal ignore:comprehension-term-assignment
	places := {one.place | some one in _identity; one.urn == urn}
}

_identity := [{"urn": attachment.urn, "place": place} |
	some place, attachment in attachments.found
	attachment.kind == "identity"
]
