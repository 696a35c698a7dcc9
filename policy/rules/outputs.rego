# METADATA
# title: Outputs
# description: |
#   Whether what one stack exports of its role, or shares in a parameter, and another has read of it, is still so. What was read is known
#   of exported stacks only, as a preview does not show it: by the reference to the stack, and wherever it came from, by the role's id
#   that the bucket policy was stored for. What a secret tells is not shown at all.
# related_resources:
#   - description: Stack outputs and references
#     ref: https://www.pulumi.com/docs/iac/concepts/stacks/#stackreferences
#   - description: IAM unique identifiers
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
package pulumi.outputs

import data.iam.unknowns
import data.pulumi.roles
import data.pulumi.stacks

# METADATA
# title: What is stale
# description: |
#   Each stack that exports another role than it has, each parameter that shares one, each reference to a stack that has read another
#   role than is there now, and each bucket policy that AWS has stored for a role which is gone, as {"resource", "message"}.
stale := [one | some found in [_exported, _shared, _read, _stored]; some one in found]

_exported := [{"resource": stack, "message": message} |
	some stack in _stacks
	some output in _outputs
	value := stack.outputs[output]
	message := _told(value, _there(output, _id(stack), stack.outputs), concat("", ["The stack exports %s as ", output, ", but has %s"]))
]

_shared := [{"resource": parameter, "message": message} |
	some parameter in stacks.of_type("aws:ssm/parameter:Parameter")
	told := json.unmarshal(parameter.inputs.insecureValue)
	some output in _outputs
	value := told[output]
	message := _told(value, _there(output, _id(parameter), told), concat("", ["The parameter shares %s as ", output, ", and there is %s"]))
]

_read := [{"resource": reference, "message": message} |
	some reference in _references
	[name, of] := _referenced(reference)
	read := object.get(reference.outputs, "outputs", {})
	exports := object.get(_exports, of, {})
	some output in _outputs
	output in (object.keys(read) | object.keys(exports))
	value := object.get(read, output, "")
	message := _told(value, _there(output, of, exports), concat("", ["The stack read %s as ", output, " of ", name, ", which has %s"]))
]

# AWS keeps the id of a role, not its ARN; the program has the id replace the policy.
_stored := [{"resource": resource, "message": message} |
	some resource in stacks.of_type("aws:s3/bucketPolicy:BucketPolicy")
	regex.match(`^AROA[A-Z0-9]+$`, resource.trigger)
	named := {name |
		some statement in _list(json.unmarshal(resource.inputs.policy).Statement)
		statement.Effect == "Allow"
		some name in _list(statement.Principal.AWS)
	}
	ids := [id | some name in named; id := _ids_by_arn[name]]
	count(ids) == count(named)
	there := union({one | some one in ids})
	message := _told(resource.trigger, there, "AWS stored the policy for the role %s, which is gone: there is %s now")
]

# A sentence where a value is none of those that are there; undefined where nothing is known to be there.
_told(value, there, sentence) := sprintf(sentence, [_shown(value), concat(" or ", sort(there))]) if {
	count(there) > 0
	not value in there
	not is_object(value) # It is secret.
}

_shown("") := "nothing"

_shown(null) := "nothing"

_shown(value) := value if not value in {"", null}

_outputs := ["roleArn", "roleUniqueId"]

# What an output can be: the stack's roles, of which the exported ARN names one.
_there("roleArn", of, exports) := _meant(of, exports)

_there("roleUniqueId", of, exports) := union({ids |
	some arn in _meant(of, exports)
	ids := _ids_by_arn[arn]
})

_meant(of, exports) := {exports.roleArn} if exports.roleArn in _arns_by_stack[of]

else := object.get(_arns_by_stack, of, set())

_stacks := [resource | some resource in stacks.of_type("pulumi:pulumi:Stack")]

_references := [resource | some resource in stacks.of_type("pulumi:pulumi:StackReference")]

# The beginning of every URN in a stack.
_id(resource) := concat("::", array.slice(split(resource.urn, "::"), 0, 2))

# The stack that a reference names, as organization/project/stack, or as one of its own project.
_referenced(reference) := [stack, concat("", ["urn:pulumi:", stack, "::", _project(parts, reference)])] if {
	parts := split(object.get(reference.inputs, "name", reference.name), "/")
	stack := parts[count(parts) - 1]
}

_project([_, project, _], _) := project

_project(parts, reference) := split(reference.urn, "::")[1] if count(parts) != 3

# What each stack exports, by the beginning of its URNs. It is, like the others here, worked out once, not anew for each stack.
# regal ignore:prefer-set-or-object-rule
_exports := {of: exports |
	some pair in _exporting
	of := pair.of # regal ignore:comprehension-term-assignment
	exports := [one.outputs | some one in _exporting; one.of == of][0]
}

_exporting := [{"of": _id(stack), "outputs": stack.outputs} | some stack in _stacks]

# regal ignore:prefer-set-or-object-rule
_arns_by_stack := {of: arns |
	some role in _roles
	of := role.of # regal ignore:comprehension-term-assignment
	arns := {one.arn | some one in _roles; one.of == of}
}

# regal ignore:prefer-set-or-object-rule
_ids_by_arn := {arn: ids |
	some role in _roles
	arn := role.arn # regal ignore:comprehension-term-assignment
	ids := {one.id | some one in _roles; one.arn == arn; one.id != ""}
}

# Without its account, the ARN of a role is not known.
_roles := [{"of": _id(role), "arn": role.arn, "id": role.uniqueId} |
	some role in roles.found
	not contains(role.arn, ":iam:::")
	not unknowns.some_unknown([role.arn, role.uniqueId])
]

_list(value) := value if is_array(value)

else := [value]
