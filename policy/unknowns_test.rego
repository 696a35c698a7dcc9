package iam.unknowns_test

import data.iam.unknowns

test_unknown[text] if {
	some text in [
		"04da6b54-80e4-46f7-96ec-b56ff0331ba9",
		"arn:aws:s3:::1c4a061d-8072-4f0a-a4cb-0ff528b18fe7/*",
		"[secret]",
	]
	unknowns.unknown(text)
}

test_known[text] if {
	some text in ["", "my-4-buckets", "a [secret] place", "04da6b54"]
	not unknowns.unknown(text)
}

test_one_of_several[note] if {
	some note, texts in {
		"whole": ["a", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"],
		"a part": ["x/1c4a061d-8072-4f0a-a4cb-0ff528b18fe7/y", "a"],
		"a secret": ["a", "[secret]"],
	}
	unknowns.some_unknown(texts)
}

test_none_of_several if not unknowns.some_unknown(["a", "b"])
