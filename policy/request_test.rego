package iam.request_test

import data.iam.request

test_condition_keys_disregard_letter_case if {
	request.context == {"aws:securetransport": "true"} with input.request.context as {"aws:SecureTransport": "true"}
}

test_the_resource_s_kind if {
	request.resource_kind == "role" with input.request.resource.resource as "arn:aws:iam::123456789012:role/R"
	request.resource_kind == "plain" with input.request.resource.resource as "*"
}

test_action if request.action == "s3:GetObject" with input.request.action as "s3:GetObject"
