# METADATA
# title: Canary
# description: |
#   A policy that has to be refused, whatever else is judged. Rules that let it pass have been broken, and nothing else that they let pass
#   can be believed.
# related_resources:
#   - description: Grammar of the IAM JSON policy language
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
package pulumi.canary

import data.iam.breadth
import data.iam.exposure
import data.iam.preparation
import data.iam.transport

# METADATA
# title: Silent rules
# description: The ids of the rules that do not refuse the canary.
silent contains rule if {
	some rule, spoke in {"broad-actions": _broad, "secure-transport": _plain, "wildcard-principal": _open}
	not spoke
}

default _open := false

_open if {
	some found in exposure.open_statements(_policy, _bucket)
	found.severity == "critical"
}

default _plain := false

_plain if transport.not_refused(_document, transport.surface(_bucket), {"aws:securetransport": ["false"]})

default _broad := false

_broad if {
	some found in breadth.patterns(_document.statements[0])
	found.severity == "critical"
}

_bucket := {"kind": "bucket", "arn": "arn:aws:s3:::canary", "account": "123456789012"}

_document := preparation.document(_policy)

_policy := {
	"Version": "2012-10-17",
	"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::canary", "arn:aws:s3:::canary/*"]}],
}
