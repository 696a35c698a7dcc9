package policy

import (
	"encoding/json"
	"slices"
	"strings"
)

// inVPC are the functions that run as the principal's role, and in a VPC.
func (q *asking) inVPC() []*stackResource {
	if q.role == nil {
		return nil
	}
	return q.all(func(r *stackResource) bool {
		config, _ := r.Inputs["vpcConfig"].(map[string]any)
		subnets, isList := config["subnetIds"].([]any)
		connected := len(subnets) > 0 || config["subnetIds"] != nil && !isList
		role := r.text("role")
		isOwn := role == q.role.arn("role") || IsUnknown(role) && slices.Contains(r.Dependencies["role"], q.role.URN)
		return r.Type == "aws:lambda/function:Function" && r.Account == q.role.Account && connected && isOwn
	})
}

// s3Endpoints are the endpoints of S3 that the principal's requests can come through: those of its account, or the one that the request
// names. A request that has a public address comes through none.
func (q *asking) s3Endpoints() []*stackResource {
	through := contextText(q.Request.Context, "aws:SourceVpce")
	if through == "" && (len(q.inVPC()) == 0 || HasContextKey(q.Request.Context, "aws:SourceIp")) {
		return nil
	}
	return q.all(func(r *stackResource) bool {
		id := endpointID(r)
		return r.Type == "aws:ec2/vpcEndpoint:VpcEndpoint" && strings.HasSuffix(r.text("serviceName"), ".s3") &&
			(q.role == nil || r.Account == q.role.Account) && (through == "" || id == "" || id == through)
	})
}

// endpointID is the id of an endpoint, which its ARN ends with; empty before AWS has made it.
func endpointID(endpoint *stackResource) string {
	arn, _ := endpoint.Outputs.ARN.(string)
	_, id, _ := strings.Cut(arn, ":vpc-endpoint/")
	return id
}

// contextText is the value of a condition key that is one text; empty where there is none.
func contextText(context map[string]any, key string) string {
	for given, value := range context {
		if text, isText := value.(string); isText && strings.EqualFold(given, key) {
			return text
		}
	}
	return ""
}

// network is what the network adds to a request's context: the one endpoint that a function in a VPC reaches S3 through. A note says what
// becomes of a request that no policy refuses, but that never arrives.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-network-properties
func (q *asking) network() map[string]any {
	endpoints := q.s3Endpoints()
	switch through := contextText(q.Request.Context, "aws:SourceVpce"); {
	case len(endpoints) > 0, HasContextKey(q.Request.Context, "aws:SourceIp"):
	case through != "":
		q.note("These files do not have the endpoint %s: what its policy allows is not known.", through)
	default:
		for _, function := range q.inVPC() {
			q.note("The function %s runs in a VPC, and these files show no S3 endpoint there. Without one, or a NAT gateway, "+
				"its requests time out: they do not arrive, and no policy has a say.", function.text("name"))
		}
	}
	if len(endpoints) != 1 || endpointID(endpoints[0]) == "" {
		return nil
	}
	context := map[string]any{"aws:SourceVpce": endpointID(endpoints[0])}
	if vpc := endpoints[0].text("vpcId"); vpc != "" && !IsUnknown(vpc) {
		context["aws:SourceVpc"] = vpc
	}
	return context
}

// endpoints adds the questions for the policies of the S3 endpoints, if the request comes through one.
func (q *asking) endpoints() {
	for _, endpoint := range q.s3Endpoints() {
		policy := endpoint.text("policy")
		if policy == "" {
			continue // Without a policy it lets everything through.
		}
		q.questions = append(q.questions, Question{
			About: "the endpoint " + endpoint.Name + ", by its policy", Case: ThroughEndpoint(q.questions[0].Case, policyText(policy)),
		})
	}
}

// ThroughEndpoint is the question that the policy of a VPC endpoint answers of a request that comes through it. It has to allow for itself
// what comes through, as the resource's policy has to allow a caller of another account.
//
// Source: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
func ThroughEndpoint(asked Case, policy json.RawMessage) Case {
	asked.RCPs, asked.SCPs, asked.SessionPolicy, asked.PermissionBoundaries = nil, nil, nil, nil
	asked.IdentityPolicies = []NamedPolicy{{Name: "anything", Policy: anything}}
	asked.Request.Resource.AccountID = noAccount
	asked.ResourcePolicy = policy
	return asked
}

// noAccount is nobody's.
const noAccount = "000000000000"
