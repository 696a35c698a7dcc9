package policy

// Severity says how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// Severities are all severities, worst first.
var Severities = []Severity{Critical, High, Medium, Low}

// Finding is one thing that the rules refuse, or could not judge. Every caller and every format has the same.
type Finding struct {
	// Rule is the id of the rule, as secure-transport.
	Rule string `json:"rule"`
	// Category is principal, transport, action, resource, trust, deputy, hardening, agreement, exception or integrity.
	Category string   `json:"category"`
	Severity Severity `json:"severity"`
	// Blocking tells whether the finding is bad enough to refuse a deployment.
	Blocking bool `json:"blocking"`
	// Stack is the name of the stack; empty where the finding is about no one stack.
	Stack string `json:"stack"`
	// URN is the resource; empty where the finding is about no one resource.
	URN string `json:"urn"`
	// Statement is the statement of the resource's policy; nil where the finding is not about one.
	Statement *FindingStatement `json:"statement,omitempty"`
	// Message says what is wrong, in a sentence.
	Message string `json:"message"`
	// Witness is a request that would get through, or would not be judged; nil where the finding needs none.
	Witness *Witness `json:"witness,omitempty"`
	// Fingerprint stands for what the finding is about, as sha256: and 32 hexadecimal digits: an exception names it. It is another as
	// soon as the policy means something else. Empty where there is no exception, because nothing could be judged.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Remediation says what to do.
	Remediation string `json:"remediation"`
	// Docs is where the rule is explained, as docs/rules.md#secure-transport.
	Docs string `json:"docs"`
}

// FindingStatement names a statement by its position, from 0, and its Sid, if it has one.
type FindingStatement struct {
	Index int    `json:"index"`
	Sid   string `json:"sid,omitempty"`
}

// Witness is a concrete request: the proof of a finding.
type Witness struct {
	Principal string `json:"principal"`
	Action    string `json:"action"`
	Resource  string `json:"resource"`
	// Context has the condition keys of the request, each a string or a list of strings.
	Context map[string]any `json:"context"`
}
