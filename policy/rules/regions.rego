# METADATA
# title: Regions
# description: Where stacks are.
package pulumi.regions

import data.pulumi.stacks

# METADATA
# scope: document
# title: What was found
# description: |
#   Each region of a stack as [stack, region]. A preview tells the stack's settings, an exported stack those of its providers. There is
#   none for a stack that leaves it to the environment.
found contains [stack, region] if {
	some file in stacks.files
	region := file.contents.config["aws:region"]
	is_string(region)
	stack := _stack(stacks.states(file.contents)[_])
}

found contains [_stack(provider), region] if {
	some file in stacks.files
	some provider in stacks.states(file.contents)
	provider.type == "pulumi:providers:aws"
	region := provider.inputs.region
	is_string(region)
}

_stack(state) := split(trim_prefix(state.urn, "urn:pulumi:"), "::")[0]
