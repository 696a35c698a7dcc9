package pulumi.managed_test

import data.pulumi.managed

_attachment(arn) := _resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": "R", "policyArn": arn})

_resource(type, inputs) := {"steps": [{"op": "create", "newState": {"urn": sprintf("urn:pulumi:s::p::%s::n", [type]), "type": type, "inputs": inputs}}]}

test_broad[name] if {
	some name, want in {
		"AdministratorAccess": ["critical"],
		"AdministratorAccess-Amplify": ["critical"],
		"PowerUserAccess": ["critical"],
		"IAMFullAccess": ["critical"],
		"AmazonS3FullAccess": ["critical"],
		"job-function/SystemAdministrator": ["critical"],
		"job-function/DatabaseAdministrator": ["high"],
		"AmazonDynamoDBFullAccess_v2": ["high"],
		"CloudWatchFullAccessV2": ["high"],
		"AmazonS3ReadOnlyAccess": ["medium"],
		"ReadOnlyAccess": ["medium"],
		"AWSLambdaExecute": ["medium"],
		"SecurityAudit": [],
		"AmazonEC2ContainerRegistryReadOnly": [],
		"AmazonSSMManagedInstanceCore": [],
		"service-role/AWSLambdaBasicExecutionRole": [],
	}
	found := managed.broad with input as _attachment(sprintf("arn:aws:iam::aws:policy/%s", [name]))
	[one.severity | some one in found] == want
	every one in found {
		contains(one.message, name)
	}
}

test_whose_they_are[arn] if {
	some arn, want in {
		"arn:aws-cn:iam::aws:policy/AdministratorAccess": 1,
		"arn:aws:iam::123456789012:policy/AdministratorAccess": 0,
		"04da6b54-80e4-46f7-96ec-b56ff0331ba9": 0,
	}
	count(managed.broad) == want with input as _attachment(arn)
}

test_where_they_are_named if {
	arns := ["arn:aws:iam::aws:policy/IAMFullAccess", "arn:aws:iam::aws:policy/AmazonS3FullAccess"]
	count(managed.broad) == 2 with input as _resource("aws:iam/role:Role", {"managedPolicyArns": arns})
	count(managed.broad) == 2 with input as _resource("aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive", {"policyArns": arns})
	count(managed.broad) == 1 with input as _resource("aws:iam/policyAttachment:PolicyAttachment", {"policyArn": arns[0]})
	count(managed.broad) == 0 with input as _resource("aws:iam/role:Role", {"managedPolicyArns": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"})
}
