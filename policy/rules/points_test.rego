package pulumi.points_test

import data.pulumi.points

_policy := json.marshal({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}})

_stack(resources) := {"config": {"aws:allowedAccountIds": `["987654321098"]`}, "steps": [
{"op": "create", "newState": object.union({"urn": sprintf("urn:pulumi:s::p::%s::n%d", [resource.type, i])}, resource)} |
	some i, resource in resources
]}

_point(inputs) := {"type": "aws:s3/accessPoint:AccessPoint", "inputs": object.union({"name": "c-point", "bucket": "b"}, inputs)}

test_found[name] if {
	some name, case in {
		"with its policy": {"resources": [_point({"policy": _policy})], "want": [["c-point", "987654321098", "arn:aws:s3:::b", "Internet"]]},
		"in a VPC": {"resources": [_point({"policy": _policy, "vpcConfiguration": {"vpcId": "v"}})], "want": [["c-point", "987654321098", "arn:aws:s3:::b", "VPC"]]},
		"with a policy that stands by itself": {
			"resources": [_point({}), {
				"type": "aws:s3control/accessPointPolicy:AccessPointPolicy",
				"inputs": {"accessPointArn": "arn:aws:s3:eu-west-1:987654321098:accesspoint/c-point", "policy": _policy},
			}],
			"want": [["c-point", "987654321098", "arn:aws:s3:::b", "Internet"]],
		},
		"without a policy": {"resources": [_point({})], "want": []},
		"a policy of another": {
			"resources": [_point({}), {
				"type": "aws:s3control/accessPointPolicy:AccessPointPolicy",
				"inputs": {"accessPointArn": "arn:aws:s3:eu-west-1:987654321098:accesspoint/other", "policy": _policy},
			}],
			"want": [],
		},
	}
	[[one.name, one.account, one.bucket, one.origin] | some one in points.found] == case.want with input as _stack(case.resources)
}
