# METADATA
# title: Outputs
# description: |
#   Whether what one stack says of its role, and what another has read of it, is still so. Only a state has outputs; a preview does not.
# related_resources:
#   - description: Stack outputs and references
#     ref: https://www.pulumi.com/docs/iac/concepts/stacks/#stackreferences
package pulumi.outputs

import data.pulumi.roles
import data.pulumi.stacks

# METADATA
# title: Stale outputs
# description: |
#   Each output about a role that does not hold, as {"resource", "message"}: the resource is the stack that exports it, or the reference by
#   which another stack has read it.
stale := array.concat(_exported, _read)

# What a stack exports, beside the roles that it has.
_exported := [{"resource": stack, "message": message} |
	some stack in _stacks
	some output, property in _properties
	value := stack.outputs[output]
	is_string(value)
	there := {role[property] | some role in roles.found; role.stack == stack.stack; role[property] != ""}
	there != set()
	not value in there
	message := sprintf("The output %s is %q, which no role of the stack has", [output, value])
]

# What a stack has read, beside what the other exports now.
_read := [{"resource": reference, "message": message} |
	some reference in stacks.resources
	reference.type == "pulumi:pulumi:StackReference"
	some stack in _stacks
	stack.stack == regex.replace(reference.name, `^.*/`, "")
	some output, _ in _properties
	now := stack.outputs[output]
	then := object.get(reference.outputs, ["outputs", output], "")
	then != now
	message := sprintf("The stack has read the output %s of %s as %q, which is %q now", [output, reference.name, then, now])
]

_stacks := [resource | some resource in stacks.resources; resource.type == "pulumi:pulumi:Stack"]

_properties := {"roleArn": "arn", "roleUniqueId": "uniqueId"}
