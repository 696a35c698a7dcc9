# METADATA
# title: The decision
# description: |
#   The entry point: whether AWS allows the request of a case, and why. The input is a case, as docs/evaluator.md describes it.
# entrypoint: true
package iam.decision

import data.iam.evaluation

# METADATA
# title: The decision
# description: Allowed, ExplicitlyDenied, ImplicitlyDenied or Undetermined.
# entrypoint: true
decision := evaluation.decision
