# METADATA
# title: Stacks
# description: |
#   What Pulumi says of its stacks, in one shape. The input is what `pulumi preview --json --show-sames` or `pulumi stack export` writes, or
#   several of these in an array: as they are, or as {"path", "contents"}, which is how conftest hands over files that it combines.
# related_resources:
#   - description: pulumi preview
#     ref: https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/
#   - description: pulumi stack export
#     ref: https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export/
package pulumi.stacks

# METADATA
# title: Files
# description: Each file of the input as {"path", "contents"}.
files := [_file(one) | some one in _given]

_given := input if is_array(input)

else := [input]

_file(one) := one if object.keys(one) == {"path", "contents"}

else := {"path": "", "contents": one}

# METADATA
# title: Resources
# description: |
#   Every resource that is there or will be, as {"stack", "urn", "type", "name", "account", "inputs", "outputs"}. Those that are about to be
#   deleted are not among them. The account is empty where nothing tells it.
resources := [{
	"stack": _stack(state.urn),
	"urn": state.urn,
	"type": state.type,
	"name": regex.replace(state.urn, `^.*::`, ""),
	"account": _account(file.contents, state),
	"inputs": object.get(state, "inputs", {}),
	"outputs": object.get(state, "outputs", {}),
} |
	some file in files
	some state in states(file.contents)
]

# METADATA
# title: States
# description: The states of resources in one file, in the order in which they stand there.
states(contents) := [step.newState |
	some step in contents.steps
	step.newState
	not step.op in _gone
] if {
	contents.steps
}

else := [state |
	some state in contents.deployment.resources
	not state.delete
] if {
	contents.deployment.resources
}

else := []

# METADATA
# title: What is missing of a file
# description: Why the file does not show all that will be there, as sentences; empty where it does.
incomplete(contents) := {message |
	some diagnostic in contents.diagnostics
	diagnostic.severity == "error"
	message := "The preview failed, so that it does not show all that will be there"
} | {message |
	contents.steps
	shown := count([step | some step in contents.steps; step.op == "same"])
	contents.changeSummary.same > shown
	message := "The preview leaves out what does not change; make it with --show-sames"
}

_gone := {"delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace", "replace", "read", "read-replacement"}

_stack(urn) := split(trim_prefix(urn, "urn:pulumi:"), "::")[0]

# A preview tells the stack's settings, a state those of the provider.
_account(contents, state) := id if {
	[id] := json.unmarshal(object.get(contents, ["config", "aws:allowedAccountIds"], _allowed(contents, state)))
}

else := id if {
	id := split(state.outputs.arn, ":")[4]
	id != ""
}

else := ""

_allowed(contents, state) := provider.inputs.allowedAccountIds if {
	some provider in contents.deployment.resources
	startswith(state.provider, concat("", [provider.urn, "::"]))
}

else := ""
