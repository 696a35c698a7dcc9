package iam.transport_test

import data.iam.transport

_surface := {"account": "987654321098", "actions": {"arn:aws:s3:::b": ["s3:ListBucket"], "arn:aws:s3:::b/key": ["s3:GetObject"]}}

_deny(change) := {"Statement": [object.union({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}, change)]}

test_surface if {
	"s3:GetObject" in transport.surface({"kind": "bucket", "arn": "arn:aws:s3:::b", "account": "1"}).actions["arn:aws:s3:::b/key"]
	"sqs:SendMessage" in transport.surface({"kind": "queue", "arn": "q", "account": "1"}).actions.q
	"sns:Publish" in transport.surface({"kind": "topic", "arn": "t", "account": "1"}).actions.t
	not transport.surface({"kind": "key", "arn": "k", "account": "1"})
}

test_not_refused if {
	not transport.not_refused(_deny({}), _surface, {})
	odd := {"account": "987654321098", "actions": {"arn:aws:s3:::b": ["s3:PutBucketTagging"]}}
	transport.not_refused({"Statement": []}, odd, {}).action == "s3:PutBucketTagging"
	transport.not_refused(_deny({"Action": "s3:GetObject"}), _surface, {"k": ["v"]}) == {"principal": "anonymous", "action": "s3:ListBucket", "resource": "arn:aws:s3:::b", "context": {"k": "v"}}
	all_but := {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/private/*"}
	transport.not_refused({"Statement": all_but}, _surface, {}).resource == "arn:aws:s3:::b/private/x"
}

test_undecided if {
	not transport.undecided(_deny({}), {})
	transport.undecided(_deny({"Condition": {"StringEquals": {sprintf("k%d", [i]): "v" | some i in numbers.range(1, 9)}}}), {})
}
