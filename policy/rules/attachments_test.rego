package pulumi.attachments_test

import data.pulumi.attachments

_resource(type, inputs) := {"steps": [{"op": "create", "newState": {"urn": sprintf("urn:pulumi:s::p::%s::n", [type]), "type": type, "inputs": inputs}}]}

_deny := json.marshal({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}})

test_policies_in_a_role[name] if {
	some name, case in {
		"shown": {"given": [{"name": "p", "policy": json.marshal({"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})}], "want": ["known"]},
		"not known": {"given": [{"name": "p", "policy": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}], "want": ["unknown"]},
		"not known as a whole": {"given": ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"], "want": ["unknown"]},
		"secret as a whole": {"given": [{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}], "want": ["unknown"]},
		"none": {"given": [{"name": ""}], "want": []},
	}
	read := attachments.read with input as _resource("aws:iam/role:Role", {"name": "R", "inlinePolicies": case.given})
	[one.state | some one in read] == case.want
}

test_found[name] if {
	some name, case in {
		"a bucket": {"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {"bucket": "b", "policy": _deny}, "want": ["bucket", "arn:aws:s3:::b", "known"]},
		"a bucket that is not known": {"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {"bucket": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "policy": _deny}, "want": ["bucket", "arn:aws:s3:::bucket", "known"]},
		"a queue": {"type": "aws:sqs/queue:Queue", "inputs": {"name": "q", "policy": _deny}, "want": ["queue", "arn:aws:sqs:us-east-1:123456789012:q", "known"]},
		"a queue by its URL": {"type": "aws:sqs/queuePolicy:QueuePolicy", "inputs": {"queueUrl": "https://sqs.eu-west-1.amazonaws.com/987654321098/q", "policy": _deny}, "want": ["queue", "arn:aws:sqs:eu-west-1:987654321098:q", "known"]},
		"a queue that is not known": {"type": "aws:sqs/queuePolicy:QueuePolicy", "inputs": {"queueUrl": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "policy": _deny}, "want": ["queue", "arn:aws:sqs:us-east-1:123456789012:n", "known"]},
		"a topic of a region": {"type": "aws:sns/topic:Topic", "inputs": {"name": "t", "region": "eu-west-1", "policy": _deny}, "want": ["topic", "arn:aws:sns:eu-west-1:123456789012:t", "known"]},
		"a topic of a region that is not known": {"type": "aws:sns/topic:Topic", "inputs": {"name": "t", "region": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "policy": _deny}, "want": ["topic", "arn:aws:sns:us-east-1:123456789012:t", "known"]},
		"a queue of an account": {"type": "aws:sqs/queue:Queue", "inputs": {"policy": _deny}, "want": ["queue", "arn:aws:sqs:us-east-1:123456789012:n", "known"]},
		"a topic": {"type": "aws:sns/topicPolicy:TopicPolicy", "inputs": {"arn": "arn:aws:sns:eu-west-1:123456789012:t", "policy": _deny}, "want": ["topic", "arn:aws:sns:eu-west-1:123456789012:t", "known"]},
		"a topic that is not known": {"type": "aws:sns/topicPolicy:TopicPolicy", "inputs": {"arn": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "policy": _deny}, "want": ["topic", "arn:aws:sns:us-east-1:123456789012:n", "known"]},
		"an access point": {"type": "aws:s3/accessPoint:AccessPoint", "inputs": {"name": "p", "bucket": "b", "policy": _deny}, "want": ["accessPoint", "arn:aws:s3:us-east-1:123456789012:accesspoint/p", "known"]},
		"an access point's policy": {
			"type": "aws:s3control/accessPointPolicy:AccessPointPolicy",
			"inputs": {"accessPointArn": "arn:aws:s3:eu-west-1:123456789012:accesspoint/p", "policy": _deny},
			"want": ["accessPoint", "arn:aws:s3:eu-west-1:123456789012:accesspoint/p", "known"],
		},
		"a bucket's ACL": {"type": "aws:s3/bucketAclV2:BucketAclV2", "inputs": {"bucket": "b", "acl": "public-read"}, "want": ["acl", "arn:aws:s3:::b", "known"]},
		"a type that nobody knows by name": {"type": "aws:cloudwatch/eventBusPolicy:EventBusPolicy", "inputs": {"policy": _deny}, "want": ["other", "arn:aws:cloudwatch:us-east-1:123456789012:eventBus/n", "known"]},
		"a repository, which its policy does not name": {
			"type": "aws:ecr/repositoryPolicy:RepositoryPolicy",
			"inputs": {"repository": "r", "policy": json.marshal({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}})},
			"want": ["other", "arn:aws:ecr:us-east-1:123456789012:repository/n", "known"],
		},
		"a role": {"type": "aws:iam/role:Role", "inputs": {"name": "R", "assumeRolePolicy": "[secret]"}, "want": ["trust", "arn:aws:iam::123456789012:role/R", "unknown"]},
		"a role's policy": {"type": "aws:iam/rolePolicy:RolePolicy", "inputs": {"role": "R", "policy": _deny}, "want": ["identity", "arn:aws:iam::123456789012:policy/n", "malformed"]},
	}
	[found] := attachments.read with input as _resource(case.type, case.inputs)
	[found.kind, found.arn, found.state] == case.want
	count(attachments.known) == count([x | some x in case.want; x == "known"]) with input as _resource(case.type, case.inputs)
}

# Before they are there, queues and topics have no URL or ARN, but a name.
test_a_policy_goes_by_the_name_of_what_it_is_attached_to[type] if {
	some type, case in {
		"aws:sqs/queuePolicy:QueuePolicy": {"of": "aws:sqs/queue:Queue", "property": "queueUrl", "want": "arn:aws:sqs:us-east-1:123456789012:q"},
		"aws:sns/topicPolicy:TopicPolicy": {"of": "aws:sns/topic:Topic", "property": "arn", "want": "arn:aws:sns:us-east-1:123456789012:q"},
	}
	of := {"urn": "urn:pulumi:s::p::of::n", "type": case.of, "inputs": {"name": "q"}}
	policy := {
		"urn": "urn:pulumi:s::p::policy::n", "type": type,
		"inputs": {case.property: "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "policy": _deny},
		"propertyDependencies": {case.property: [of.urn]},
	}
	[found] := attachments.known with input as {"deployment": {"resources": [of, policy]}}
	found.arn == case.want
}
