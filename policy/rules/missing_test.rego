package pulumi.missing_test

import data.pulumi.missing

_urn(type) := sprintf("urn:pulumi:s::p::%s::x", [type])

_missing(resources) := {concat(" ", [one.kind, one.name]) | some one in found} if {
	found := missing.policies with input as {"steps": [{"op": "same", "newState": object.union({"urn": _urn(resource.type)}, resource)} | some resource in resources]}
}

test_policies[name] if {
	queue := {"type": "aws:sqs/queue:Queue", "inputs": {"name": "q"}}
	topic := {"type": "aws:sns/topic:Topic", "inputs": {"name": "t"}}
	bucket := {"type": "aws:s3/bucketV2:BucketV2", "inputs": {"bucket": "b"}}
	some name, case in {
		"queue": {"given": [queue], "want": {"queue q"}},
		"queue with its own policy": {"given": [object.union(queue, {"inputs": {"policy": "{}"}})], "want": set()},
		"queue with a policy, by its URL": {
			"given": [queue, {"type": "aws:sqs/queuePolicy:QueuePolicy", "inputs": {"queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q"}}],
			"want": set(),
		},
		"queue with a policy that is not known yet": {
			"given": [queue, {
				"type": "aws:sqs/queuePolicy:QueuePolicy", "inputs": {"queueUrl": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"},
				"propertyDependencies": {"queueUrl": [_urn("aws:sqs/queue:Queue")]},
			}],
			"want": set(),
		},
		"another queue's policy": {
			"given": [queue, {"type": "aws:sqs/queuePolicy:QueuePolicy", "inputs": {"queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/qq"}}],
			"want": {"queue q"},
		},
		"topic": {"given": [topic], "want": {"topic t"}},
		"topic with a policy": {"given": [topic, {"type": "aws:sns/topicPolicy:TopicPolicy", "inputs": {"arn": "arn:aws:sns:us-east-1:123456789012:t"}}], "want": set()},
		"topic beside a queue's policy": {
			"given": [topic, {"type": "aws:sqs/queuePolicy:QueuePolicy", "inputs": {"queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/t"}}],
			"want": {"topic t"},
		},
		"bucket": {"given": [bucket], "want": {"bucket b"}},
		"bucket with a policy": {"given": [bucket, {"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {"bucket": "b"}}], "want": set()},
	}
	_missing(case.given) == case.want
}
