# METADATA
# title: Permissions
# description: |
#   What a permission of a Lambda function says, as the statement that AWS makes of it in the function's policy. With a function's URL that
#   asks nobody who they are, the provider makes a permission for everybody.
# related_resources:
#   - description: AddPermission
#     ref: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
#   - description: Viewing resource-based IAM policies in Lambda
#     ref: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
#   - description: Control access to Lambda function URLs
#     ref: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
package pulumi.permissions

import data.iam.unknowns

# METADATA
# title: Text
# description: |
#   The policy as JSON; null where principal, action or a condition is not known. A source that a resource of the stack is going to be
#   bounds the caller as well as a known one: it is in the stack's account.
text(resource) := json.marshal({"Version": "2012-10-17", "Statement": [object.union(statement, _conditions(conditions))]}) if {
	statement := {
		"Effect": "Allow",
		"Principal": _principal(_known(resource.inputs.principal)),
		"Action": _known(resource.inputs.action),
		"Resource": "*",
	}
	given := {name: value | some name, _ in _keys; value := resource.inputs[name]; not value in {null, ""}}
	conditions := {name: value | some name, one in given; value := _source(name, one, resource)}
	count(conditions) == count(given)
}

else := null

# METADATA
# title: Texts
# description: As text, of each permission that comes with a resource; undefined where none does.
texts(resource) := [text(resource)] if resource.type == "aws:lambda/permission:Permission"

else := [text(object.union(resource, {"inputs": inputs}))] if {
	resource.type == "aws:lambda/functionUrl:FunctionUrl"
	resource.inputs.authorizationType != "AWS_IAM"
	inputs := {"principal": "*", "action": "lambda:InvokeFunctionUrl", "functionUrlAuthType": resource.inputs.authorizationType}
}

# METADATA
# title: Function
# description: The name of the function that a resource is about, with the version or alias behind it; undefined where it is not known.
function(resource) := concat("", [regex.replace(name, `^.*:function:`, ""), _suffix(resource.inputs)]) if {
	name := _known(resource.inputs[_names_function[resource.type]])
}

_suffix(inputs) := concat("", [":", qualifier]) if qualifier := _known(inputs.qualifier)

else := ""

_names_function := {"aws:lambda/functionUrl:FunctionUrl": "functionName", "aws:lambda/permission:Permission": "function"}

_conditions(given) := {"Condition": {operator: block |
	some operator in {_keys[name][0] | some name, _ in given}
	block := {_keys[name][1]: value | some name, value in given; _keys[name][0] == operator}
}} if {
	count(given) > 0
}

else := {}

# The condition that each input becomes.
_keys := {
	"eventSourceToken": ["StringEquals", "lambda:EventSourceToken"],
	"functionUrlAuthType": ["StringEquals", "lambda:FunctionUrlAuthType"],
	"principalOrgId": ["StringEquals", "aws:PrincipalOrgID"],
	"sourceAccount": ["StringEquals", "AWS:SourceAccount"],
	"sourceArn": ["ArnLike", "AWS:SourceArn"],
}

_source(_, value, _) := _known(value)

_source("sourceArn", value, resource) := concat(":", ["arn", resource.partition, "a-resource", "of-this", resource.account, "stack"]) if {
	unknowns.unknown(value)
	count(object.get(resource.dependencies, "sourceArn", [])) > 0
	not _of_a_bucket(resource)
}

# The ARN of a bucket does not tell the account.
_source("sourceArn", value, resource) := concat(":", ["arn", resource.partition, "s3:::a-bucket-of-this-stack"]) if {
	unknowns.unknown(value)
	_of_a_bucket(resource)
}

_of_a_bucket(resource) if resource.inputs.principal == "s3.amazonaws.com"

_of_a_bucket(resource) if {
	some urn in resource.dependencies.sourceArn
	contains(urn, "aws:s3/bucket")
}

_known(value) := value if {
	is_string(value)
	not unknowns.unknown(value)
}

_principal(name) := name if name == "*"

else := {"Service": name} if regex.match("^[a-z0-9.-]+\\.[a-z.]+$", name)

else := {"AWS": name}
