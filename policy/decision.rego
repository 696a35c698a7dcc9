# METADATA
# title: The decision
# description: |
#   The entry point: whether AWS allows the request of a case, and why. The input is a case, as docs/evaluator.md describes it.
package iam.decision

import data.iam.documents
import data.iam.evaluation
import data.iam.explanation
import data.iam.preparation

# METADATA
# title: The decision
# description: Allowed, ExplicitlyDenied, ImplicitlyDenied or Undetermined, the latter also for malformed input.
# entrypoint: true
default decision := "Undetermined"

decision := answer if {
	documents.well_formed
	prepared := preparation.prepared_case
	answer := evaluation.decision with input as prepared
}

# METADATA
# title: The reasons
# description: What each layer says, in the order in which AWS asks them; empty for malformed input.
# entrypoint: true
default reasons := []

reasons := answer if {
	documents.well_formed
	prepared := preparation.prepared_case
	answer := explanation.reasons with input as prepared
}
