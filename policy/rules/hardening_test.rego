package pulumi.hardening_test

import data.pulumi.hardening

_bucket := {"type": "aws:s3/bucketV2:BucketV2", "inputs": {"bucket": "b"}}

_hard := [
	{"type": "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "inputs": {"bucket": "b", "blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true}},
	{"type": "aws:s3/bucketOwnershipControls:BucketOwnershipControls", "inputs": {"bucket": "b", "rule": {"objectOwnership": "BucketOwnerEnforced"}}},
	{"type": "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "inputs": {"bucket": "b"}},
	{"type": "aws:s3/bucketVersioningV2:BucketVersioningV2", "inputs": {"bucket": "b", "versioningConfiguration": {"status": "Enabled"}}},
]

_steps(resources) := {"steps": [{"op": "same", "newState": object.union(resource, {"urn": sprintf("urn:pulumi:s::p::%s::%d", [resource.type, i])})} |
	some i, resource in resources
]}

_severities(resources) := [lack.severity | some lack in lacks] if lacks := hardening.missing with input as _steps(resources)

test_missing if {
	_severities(array.concat([_bucket], _hard)) == []
	_severities([_bucket]) == ["medium", "medium", "low", "low"]
	weak := object.union(_hard[0], {"inputs": {"blockPublicPolicy": false}})
	_severities(array.concat([_bucket, weak], array.slice(_hard, 1, 4))) == ["medium"]
	other := [object.union(one, {"inputs": {"bucket": "c"}}) | some one in _hard]
	count(_severities(array.concat([_bucket], other))) == 4
}

# What is said of a bucket is not always what protects it.
test_what_is_there_and_does_not_protect if {
	preferred := object.union(_hard[1], {"inputs": {"rule": {"objectOwnership": "BucketOwnerPreferred"}}})
	_severities([_bucket, _hard[0], preferred, _hard[2], _hard[3]]) == ["medium"]
	suspended := object.union(_hard[3], {"inputs": {"versioningConfiguration": {"status": "Suspended"}}})
	_severities([_bucket, _hard[0], _hard[1], _hard[2], suspended]) == ["low"]
}

# What the bucket and what its account blocks come together.
test_which_settings_are_missing if {
	some_of_it := object.union(_hard[0], {"inputs": {"blockPublicAcls": false, "ignorePublicAcls": "yes"}})
	steps := _steps(array.concat([_bucket, some_of_it], array.slice(_hard, 1, 4)))
	[lack] := hardening.missing with input as steps
	endswith(lack.message, ", but lacks blockPublicAcls, ignorePublicAcls")
	account := {"type": "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "inputs": {"blockPublicAcls": true}, "urn": "urn:pulumi:s::p::t::a"}
	[less] := hardening.missing with input as {
		"config": {"aws:allowedAccountIds": `["123456789012"]`},
		"steps": array.concat(steps.steps, [{"op": "same", "newState": account}]),
	}
	endswith(less.message, ", but lacks ignorePublicAcls")
}

test_an_older_bucket_says_it_itself if {
	own := {"serverSideEncryptionConfiguration": {"rule": {}}, "versioning": {"enabled": true}}
	_severities([object.union(_bucket, {"inputs": object.union({"bucket": "b"}, own)})]) == ["medium", "medium"]
	_severities([object.union(_bucket, {"inputs": {"bucket": "b", "versioning": {"enabled": false}}})]) == ["medium", "medium", "low", "low"]
}

test_an_account_blocks_for_all_its_buckets if {
	block := object.union(_hard[0], {"type": "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"})
	lacks := hardening.missing with input as object.union(_steps([_bucket, block]), {"config": {"aws:allowedAccountIds": `["123456789012"]`}})
	{lack.severity | some lack in lacks} == {"medium", "low"}
	count(lacks) == 3
	count(_severities([_bucket, block])) == 4
}
