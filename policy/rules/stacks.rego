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

import data.iam.unknowns

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
#   Every resource that is there or will be, as {"stack", "urn", "type", "name", "account", "inputs", "outputs", "dependencies"}. Those
#   that are about to be deleted are not among them. The account is empty where nothing tells it; the dependencies are the URNs that each
#   input comes from.
resources := [{
	"stack": _stack(state.urn),
	"urn": state.urn,
	"type": state.type,
	"name": regex.replace(state.urn, `^.*::`, ""),
	"account": _account(state, accounts, file.contents),
	"inputs": object.get(state, "inputs", {}),
	"outputs": object.get(state, "outputs", {}),
	"dependencies": object.get(state, "propertyDependencies", {}),
} |
	some file in files
	accounts := _accounts(file.contents)
	some state in states(file.contents)
]

# METADATA
# title: Buckets
# description: The resources that are buckets.
buckets := [resource |
	some resource in resources
	resource.type in {"aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"}
]

# METADATA
# title: Names of a bucket
# description: |
#   What the bucket that a resource is, or is about, goes by: its name where that is known, else the URNs that the name comes from. What is
#   about a bucket has a name in common with it.
bucket_names(resource) := {name, resource.urn} if {
	name := _known_name(resource)
}

else := {resource.urn} | {urn | some urn in object.get(resource.dependencies, "bucket", [])}

# METADATA
# title: Name of a bucket
# description: The name of the bucket that a resource is, or is about; undefined where it is not known.
bucket_name(resource) := name if name := _known_name(resource)

else := name if {
	some urn in resource.dependencies.bucket
	some name in _names_by_urn[urn]
}

_known_name(resource) := name if {
	name := resource.inputs.bucket
	is_string(name)
	not unknowns.unknown(name)
}

# Worked out once, not anew for each name that is asked for.
# regal ignore:prefer-set-or-object-rule
_names_by_urn := {bucket.urn: names |
	some bucket in buckets
	urn := bucket.urn
	names := {name |
		some one in buckets
		one.urn == urn
		name := _known_name(one)
	}
}

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

_account(state, accounts, contents) := id if id := accounts[concat("::", array.slice(split(state.provider, "::"), 0, 4))]

# A preview tells the stack's settings.
else := _only(contents.config["aws:allowedAccountIds"]) if contents.config

else := id if {
	id := split(state.outputs.arn, ":")[4]
	id != ""
}

else := ""

# The account of each provider that is kept to one.
_accounts(contents) := {provider.urn: id |
	some provider in states(contents)
	provider.type == "pulumi:providers:aws"
	id := _only(provider.inputs.allowedAccountIds)
}

_only(ids) := id if [id] := ids

else := id if [id] := json.unmarshal(ids)
