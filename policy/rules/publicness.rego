# METADATA
# title: Publicness
# description: |
#   Whether S3 calls a bucket policy public. That is not whether a stranger gets in: S3 only looks for what it takes for a fixed caller.
#   A policy that it calls public is not stored under BlockPublicPolicy, and lets nobody of another account in under
#   RestrictPublicBuckets.
# related_resources:
#   - description: The meaning of "public"
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
package iam.publicness

import data.iam.preparation

# METADATA
# title: Whether a policy is public
# description: 1 for a public one, -1 for one that is not, 0 where S3 does not say what it makes of a condition.
truth(policy) := max({-1} | {_statement_truth(statement) |
	some statement in preparation.document(policy).statements
	statement.effect == "Allow"
	_for_everyone(statement.principal)
})

_for_everyone(principal) if principal.names == "everyone"

_for_everyone(principal) if {
	some ["AWS", name] in principal.names
	name == "*"
}

_for_everyone(principal) if not principal.covers

_statement_truth(statement) := -1 if {
	some condition in statement.conditions
	_fixes_the_caller(condition)
}

# How a request comes does not say who sends it.
else := 1 if {
	every condition in statement.conditions {
		condition.context_key in {"aws:securetransport", "s3:tlsversion", "aws:referer", "aws:useragent"}
	}
}

else := 0

_fixes_the_caller(condition) if {
	condition.context_key in {
		"aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:sourceip", "aws:userid",
		"s3:dataaccesspointarn", "s3:dataaccesspointaccount", "s3:x-amz-server-side-encryption-aws-kms-key-id",
	}
	not condition.negated
	condition.missing == -1
	every text in _texts(condition.wanted) {
		not regex.match(`[*?$]|/0$`, text)
	}
}

_texts(wanted) := wanted if is_array(wanted)

else := [wanted]
