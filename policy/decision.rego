# METADATA
# title: The decision
# description: |
#   The entry point: whether AWS allows the request of a case, and why. The input is a case, as docs/evaluator.md describes it.
# entrypoint: true
package iam.decision

import data.iam.evaluation
import data.iam.preparation

# METADATA
# title: The decision
# description: Allowed, ExplicitlyDenied, ImplicitlyDenied or Undetermined.
decision := answer if {
	prepared := preparation.prepared_case
	answer := evaluation.decision with input as prepared
}
