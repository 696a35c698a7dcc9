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
#   Every resource that is there or will be, as {"stack", "urn", "type", "name", "account", "partition", "region", "inputs", "outputs",
#   "dependencies", "trigger"}. Those that are about to be deleted are not among them. The account and the region are empty where nothing
#   tells them; the dependencies are the URNs that each input comes from; the trigger, null where there is none, is what replaces the
#   resource when it changes.
resources := [{
	"stack": trim_prefix(parts[0], "urn:pulumi:"),
	"urn": state.urn,
	"type": state.type,
	"name": parts[count(parts) - 1],
	"account": owner.account,
	"partition": owner.partition,
	"region": object.get(state, ["inputs", "region"], owner.region),
	"inputs": object.get(state, "inputs", {}),
	"outputs": object.get(state, "outputs", {}),
	"dependencies": object.get(state, "propertyDependencies", {}),
	"trigger": object.get(state, "replacementTrigger", null),
} |
	some file in files
	owners := _owners(file.contents)
	some state in states(file.contents)
	parts := split(state.urn, "::")
	owner := _owner(state, object.get(owners, _provider(state), owners[""]))
]

# METADATA
# title: Resources of a type
# description: Those of the type, as aws:s3/bucketV2:BucketV2, in their order. Most rules look at few types among many resources.
of_type(type) := object.get(_by_type, type, [])

# Worked out once, not anew for each type that is asked for.
# regal ignore:prefer-set-or-object-rule
_by_type := {type: all_of_it |
	some type in {resource.type | some resource in resources}
	all_of_it := [resource | some resource in resources; resource.type == type]
}

# METADATA
# title: Buckets
# description: The resources that are buckets.
buckets := [resource |
	some type in ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"]
	some resource in of_type(type)
]

# METADATA
# title: Names
# description: |
#   What goes by a property of a resource, as the bucket that it is, or is about: the property where it is known, else the URNs that it
#   comes from. The resource's own URN is always among them, so that what refers to each other has a name in common.
names(resource, property) := {resource.urn, name} if name := _known(resource, property)

else := {resource.urn} | {urn | some urn in object.get(resource.dependencies, property, [])}

# METADATA
# title: Name of a bucket
# description: The name of the bucket that a resource is, or is about; undefined where it is not known.
bucket_name(resource) := name if name := _known(resource, "bucket")

else := name if {
	some urn in resource.dependencies.bucket
	some name in _names_by_urn[urn]
}

_known(resource, property) := name if {
	name := resource.inputs[property]
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
		name := _known(one, "bucket")
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

# Whose resources are, as {"account", "partition", "region"}, by their provider; by "" what the stack's settings say, which only a preview
# has.
_owners(contents) := object.union({"": setting}, {provider.urn: owner |
	some provider in states(contents)
	provider.type == "pulumi:providers:aws"
	inputs := object.get(provider, "inputs", {})
	region := object.get(inputs, "region", setting.region)
	owner := {
		"account": _account(inputs, setting),
		"partition": object.get(_partitions, _area(region), setting.partition),
		"region": region,
	}
}) if {
	ids := object.get(contents, ["config", "aws:allowedAccountIds"], "")
	region := object.get(contents, ["config", "aws:region"], "")
	setting := {
		"account": _account({"allowedAccountIds": ids}, {"account": ""}),
		"partition": object.get(_partitions, _area(region), "aws"),
		"region": region,
	}
}

_account(inputs, setting) := id if id := _only(inputs.allowedAccountIds)

else := setting.account

# The one account of a list, which the settings have as JSON.
_only(ids) := id if [id] := ids

else := id if [id] := json.unmarshal(ids)

# The partitions, by what the names of their regions begin with.
_partitions := {
	"cn": "aws-cn", "us-gov": "aws-us-gov", "us-iso": "aws-iso", "us-isob": "aws-iso-b", "us-isof": "aws-iso-f",
	"eu-isoe": "aws-iso-e", "eusc": "aws-eusc",
}

_area(region) := regex.replace(region, `^(us-gov|us-iso[a-z]?|cn|eu-isoe|eusc)-.*$`, "$1")

# A resource has its provider's URN, and behind that its id.
_provider(state) := concat("::", array.slice(split(state.provider, "::"), 0, 4)) if state.provider

else := ""

# Where nothing else tells it, the ARN does, once the resource is there.
_owner(state, owner) := owner if owner.account != ""

else := {"account": parts[4], "partition": parts[1], "region": region} if {
	parts := split(state.outputs.arn, ":")
	count(parts) > 5
	region := {true: parts[3], false: owner.region}[owner.region == ""]
}

else := owner
