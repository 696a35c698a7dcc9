package components

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"cross-account-s3/policy"
)

func TestConditionSettings(t *testing.T) {
	const (
		project = "cross-account-s3:"
		role    = `["arn:aws:iam::987654321098:role/Deploy"]`
	)
	for name, c := range map[string]struct {
		changes map[string]string
		want    string // in the error; empty where there is none
	}{
		"all of them": {map[string]string{
			"vpcEndpoints": `["vpce-0123456789abcdef0"]`, "sourceIps": `["203.0.113.0/24","198.51.100.7","2001:db8::/32"]`,
			"organizationId": "o-exampleorgid", "deployRoles": role, "minimumTlsVersion": "1.3",
		}, ""},
		"an endpoint that is a VPC": {map[string]string{"vpcEndpoints": `["vpc-0123456789abcdef0"]`, "deployRoles": role}, `vpcEndpoints[0] is "vpc-0123456789abcdef0"`},
		"an endpoint twice":         {map[string]string{"vpcEndpoints": `["vpce-01234567","vpce-01234567"]`, "deployRoles": role}, "named only once"},
		"no list":                   {map[string]string{"vpcEndpoints": "vpce-01234567", "deployRoles": role}, "a list, each of it the id of a VPC endpoint"},
		"endpoints alone":           {map[string]string{"vpcEndpoints": `["vpce-01234567"]`}, "would be locked out"},
		"an organization alone":     {map[string]string{"organizationId": "o-exampleorgid"}, "would be locked out"},
		"networks alone":            {map[string]string{"sourceIps": `["203.0.113.0/24"]`}, "would be locked out"},
		"the role in the provider":  {map[string]string{"sourceIps": `["203.0.113.0/24"]`, "aws:assumeRole": `{"roleArn":"arn:aws:iam::987654321098:role/Deploy"}`}, ""},
		"an organization's root":    {map[string]string{"organizationId": "r-abcd", "deployRoles": role}, "the id of an organization"},
		"all networks":              {map[string]string{"sourceIps": `["0.0.0.0/0"]`, "deployRoles": role}, "narrower"},
		"all networks in halves":    {map[string]string{"sourceIps": `["0.0.0.0/1","128.0.0.0/1"]`, "deployRoles": role}, "narrower"},
		"all networks of IPv6":      {map[string]string{"sourceIps": `["::/0"]`, "deployRoles": role}, "narrower"},
		"bits behind the mask":      {map[string]string{"sourceIps": `["203.0.113.9/24"]`, "deployRoles": role}, "CIDR"},
		"a network within another":  {map[string]string{"sourceIps": `["203.0.113.0/24","203.0.113.9"]`, "deployRoles": role}, "apart"},
		"another account's role":    {map[string]string{"deployRoles": `["arn:aws:iam::123456789012:role/Deploy"]`}, "a role of account 987654321098"},
		"any role":                  {map[string]string{"deployRoles": `["arn:aws:iam::987654321098:role/*"]`}, "without wildcards"},
	} {
		t.Run(name, func(t *testing.T) {
			changes := map[string]string{}
			for key, value := range c.changes {
				if !strings.Contains(key, ":") {
					key = project + key
				}
				changes[key] = value
			}
			_, err := settingsOf(t, "account-b", changes)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, expected %q", err, c.want)
			}
		})
	}
}

// Who gets through to the bucket, of those whom both halves let in otherwise.
func TestConditionDecisions(t *testing.T) {
	const (
		session  = "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/CrossAccountS3Access"
		deployer = "arn:aws:sts::987654321098:assumed-role/Deploy/pulumi"
	)
	networks := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	endpoints := []string{"vpce-0123456789abcdef0"}
	inside := map[string]any{"aws:SourceIp": "203.0.113.7"}
	behind := map[string]any{"aws:SourceVpce": "vpce-0123456789abcdef0", "aws:VpcSourceIp": "10.0.0.7"}
	outside := map[string]any{"aws:SourceIp": "198.51.100.7"}
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		conditions Conditions
		principal  string
		given      map[string]any
		want       policy.Decision
	}{
		"no conditions":                  {Conditions{}, session, outside, policy.Allowed},
		"from the network":               {Conditions{SourceIPs: networks}, session, inside, policy.Allowed},
		"from another":                   {Conditions{SourceIPs: networks}, session, outside, policy.ExplicitlyDenied},
		"from a network without address": {Conditions{SourceIPs: networks}, session, behind, policy.ExplicitlyDenied},
		"behind the endpoint":            {Conditions{VPCEndpoints: endpoints}, session, behind, policy.Allowed},
		"behind another":                 {Conditions{VPCEndpoints: endpoints}, session, map[string]any{"aws:SourceVpce": "vpce-1"}, policy.ExplicitlyDenied},
		"behind the second of two":       {Conditions{VPCEndpoints: []string{"vpce-0fedcba9876543210", endpoints[0]}}, session, behind, policy.Allowed},
		"from the second of two":         {Conditions{SourceIPs: append([]netip.Prefix{netip.MustParsePrefix("198.18.0.0/24")}, networks...)}, session, inside, policy.Allowed},
		"behind none":                    {Conditions{VPCEndpoints: endpoints}, session, inside, policy.ExplicitlyDenied},
		"either, behind the endpoint":    {Conditions{VPCEndpoints: endpoints, SourceIPs: networks}, session, behind, policy.Allowed},
		"either, from the network":       {Conditions{VPCEndpoints: endpoints, SourceIPs: networks}, session, inside, policy.Allowed},
		"either, from another":           {Conditions{VPCEndpoints: endpoints, SourceIPs: networks}, session, outside, policy.ExplicitlyDenied},
		"of the organization":            {Conditions{OrganizationID: "o-exampleorgid"}, session, map[string]any{"aws:PrincipalOrgID": "o-exampleorgid"}, policy.Allowed},
		"of another organization":        {Conditions{OrganizationID: "o-exampleorgid"}, session, map[string]any{"aws:PrincipalOrgID": "o-another0rg"}, policy.ExplicitlyDenied},
		"of none":                        {Conditions{OrganizationID: "o-exampleorgid"}, session, nil, policy.ExplicitlyDenied},
		"whoever deploys, from outside":  {Conditions{VPCEndpoints: endpoints, SourceIPs: networks}, deployer, outside, policy.Allowed},
		"whoever deploys, of none":       {Conditions{OrganizationID: "o-exampleorgid"}, deployer, nil, policy.Allowed},
		"a service in the role's name":   {Conditions{SourceIPs: networks}, session, map[string]any{"aws:ViaAWSService": "true"}, policy.Allowed},
		"TLS 1.2 where it is enough":     {Conditions{}, session, map[string]any{"s3:TlsVersion": "1.2"}, policy.Allowed},
		"TLS 1.2 where it is not":        {Conditions{MinimumTLSVersion: "1.3"}, session, map[string]any{"s3:TlsVersion": "1.2"}, policy.ExplicitlyDenied},
		"TLS 1.3":                        {Conditions{MinimumTLSVersion: "1.3"}, session, nil, policy.Allowed},
		"plain http, from the network":   {Conditions{SourceIPs: networks}, session, map[string]any{"aws:SourceIp": "203.0.113.7", "aws:SecureTransport": "false"}, policy.ExplicitlyDenied},
	} {
		access := accessTo("", Read)
		access.Conditions = c.conditions
		access.Conditions.DeployRoles = []string{"arn:aws:iam::987654321098:role/Audit", "arn:aws:iam::987654321098:role/Deploy"}
		document, err := access.bucketDocument(roleARN, Consumers{})
		if err != nil {
			t.Fatal(err)
		}
		resource := policy.Resource{ARN: "arn:aws:s3:::my-cross-account-bucket/k", AccountID: "987654321098"}
		given := policy.ImpliedContext(c.principal, resource)
		for key, value := range map[string]any{"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:ViaAWSService": "false"} {
			given[key] = value
		}
		for key, value := range c.given {
			given[key] = value
		}
		result, err := engine.Decide(t.Context(), policy.Case{
			Request: policy.Request{Principal: c.principal, Action: "s3:GetObject", Resource: resource, Context: given},
			IdentityPolicies: []policy.NamedPolicy{{Name: "own", Policy: json.RawMessage(
				`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`)}},
			ResourcePolicy: json.RawMessage(document),
		})
		if err != nil || result.Decision != c.want {
			t.Errorf("%s: %s %v, want %s\n%s", name, result.Decision, err, c.want, document)
		}
	}
}
