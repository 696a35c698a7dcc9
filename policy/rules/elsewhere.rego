# METADATA
# title: Elsewhere
# description: |
#   The policies of resources whose types the rules do not know by name: whatever looks like a policy of IAM is one, so that a service that
#   nobody thought of is not passed over.
# related_resources:
#   - description: AWS services that work with IAM
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
package pulumi.elsewhere

import data.iam.unknowns

# METADATA
# title: Policies
# description: |
#   The policies of a resource as {"kind", "text"}: the kind is other where a policy names principals, or is not known, and identity where
#   it names none. A property that is not known yet is one where its name says that it is a policy.
policies(resource) := [{"kind": _kind(text), "text": text} |
	startswith(resource.type, "aws:")
	not resource.type in _grant_nothing
	some property, text in _properties(resource.inputs)
	is_string(text)
	_is_policy(property, text)
]

# The one type that has it deeper is that of Multi-Region Access Points.
_properties(inputs) := object.union(object.get(inputs, "details", {}), object.remove(inputs, ["details"])) if {
	is_object(inputs.details)
} else := inputs

_is_policy(_, text) if contains(text, `"Statement"`)

_is_policy(property, text) if {
	regex.match(`^(?:access|inline|resource|deliveryDestination)?[pP]olic(?:y|ies)(?:Document|Text)?$|^content$`, property)
	unknowns.unknown(text)
}

_kind(text) := "identity" if {
	policy := json.unmarshal(text)
	principals := [statement |
		some statement in array.concat([policy.Statement], [one | some one in policy.Statement])
		is_object(statement)
		object.keys(statement) & {"Principal", "NotPrincipal"} != set()
	]
	count(principals) == 0
} else := "other"

# What only bounds what others grant (the policies of endpoints, of organizations, of the sessions of SFTP users), or is no policy of IAM.
_grant_nothing := {
	"aws:cloudformation/stack:Stack",
	"aws:ec2/vpcEndpoint:VpcEndpoint",
	"aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy",
	"aws:ecr/lifecyclePolicy:LifecyclePolicy",
	"aws:organizations/policy:Policy",
	"aws:transfer/access:Access",
	"aws:transfer/user:User",
}
