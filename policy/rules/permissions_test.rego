package pulumi.permissions_test

import data.pulumi.permissions

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_resource(inputs, sources) := {
	"partition": "aws", "account": "123456789012", "dependencies": {"sourceArn": sources},
	"inputs": object.union({"action": "lambda:InvokeFunction", "principal": "sns.amazonaws.com"}, inputs),
}

_statement(inputs, sources) := json.unmarshal(permissions.text(_resource(inputs, sources))).Statement[0]

test_text if {
	_statement({}, []) == {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": "*"}
	_statement({"principal": "*"}, []).Principal == "*"
	_statement({"principal": "123456789012"}, []).Principal == {"AWS": "123456789012"}
	_statement({"principal": "arn:aws:iam::123456789012:role/R"}, []).Principal == {"AWS": "arn:aws:iam::123456789012:role/R"}
	_statement({"sourceArn": "arn:aws:s3:::b", "sourceAccount": "123456789012", "principalOrgId": "o-1"}, []).Condition == {
		"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
		"StringEquals": {"AWS:SourceAccount": "123456789012", "aws:PrincipalOrgID": "o-1"},
	}
}

test_what_is_not_known_yet if {
	permissions.text(_resource({"principal": _unknown}, [])) == null
	permissions.text(_resource({"sourceAccount": "[secret]"}, [])) == null
	permissions.text(_resource({"sourceArn": _unknown}, [])) == null
	topic := "urn:pulumi:s::p::aws:sns/topic:Topic::t"
	_statement({"sourceArn": _unknown}, [topic]).Condition == {"ArnLike": {"AWS:SourceArn": "arn:aws:a-resource:of-this:123456789012:stack"}}
	bucket := "urn:pulumi:s::p::aws:s3/bucketV2:BucketV2::b"
	_statement({"sourceArn": _unknown}, [bucket]).Condition == {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::a-bucket-of-this-stack"}}
}

_url(inputs) := {
	"type": "aws:lambda/functionUrl:FunctionUrl", "partition": "aws", "account": "123456789012",
	"inputs": object.union({"functionName": "f"}, inputs),
}

test_texts if {
	[open] := permissions.texts(_url({"authorizationType": "NONE"}))
	json.unmarshal(open).Statement[0].Condition == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
	not permissions.texts(_url({"authorizationType": "AWS_IAM"}))
	permissions.texts(_url({"authorizationType": _unknown})) == [null]
}

test_function[name] if {
	some name, case in {
		"its name": [{"functionName": "f"}, "f"],
		"its ARN": [{"functionName": "arn:aws:lambda:us-east-1:123456789012:function:f"}, "f"],
		"a part of its ARN": [{"functionName": "123456789012:function:f"}, "f"],
		"with an alias": [{"qualifier": "live"}, "f:live"],
	}
	permissions.function(_url(case[0])) == case[1]
}

test_functions_that_are_not_known if {
	not permissions.function(_url({"functionName": _unknown}))
	permissions.function({"type": "aws:lambda/permission:Permission", "inputs": {"function": "f"}}) == "f"
	not permissions.function({"type": "aws:sqs/queue:Queue", "inputs": {"name": "q"}})
}
