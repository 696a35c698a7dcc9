package components

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"

	"github.com/micahhausler/aws-iam-policy/policy"
)

// Conditions are what the bucket policy demands of every request, besides who makes it.
type Conditions struct {
	// VPCEndpoints are the ids of the VPC endpoints, and SourceIPs the public networks, that requests may come from; where both are empty,
	// they may come from anywhere.
	VPCEndpoints []string
	SourceIPs    []netip.Prefix
	// OrganizationID is the organization that whoever asks has to be in; empty where that does not matter.
	OrganizationID string
	// DeployRoles are the ARNs of the roles that deploy the bucket, which none of these may lock out.
	DeployRoles []string
	// MinimumTLSVersion is 1.2 or 1.3.
	MinimumTLSVersion string
}

var (
	vpcEndpointForm = regexp.MustCompile(`^vpce-[0-9a-f]{8,17}$`)
	// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
	organizationForm = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)
)

// conditions reads the conditions.
func (r *reader) conditions() Conditions {
	c := Conditions{
		VPCEndpoints:      r.list("vpcEndpoints", vpcEndpointForm, "the id of a VPC endpoint, as in vpce-0123456789abcdef0"),
		SourceIPs:         r.networks("sourceIps"),
		DeployRoles:       r.list("deployRoles", roleARNForm, "the ARN of a role, without wildcards"),
		MinimumTLSVersion: r.oneOf("minimumTlsVersion", "1.2", "1.3"),
	}
	if r.text("organizationId") != "" {
		c.OrganizationID = r.matching("organizationId", organizationForm, "the id of an organization, as in o-exampleorgid")
	}
	var assumed struct{ RoleARN string }
	if json.Unmarshal([]byte(r.text("aws:assumeRole")), &assumed) == nil && assumed.RoleARN != "" {
		if !slices.Contains(c.DeployRoles, assumed.RoleARN) {
			c.DeployRoles = append(c.DeployRoles, assumed.RoleARN)
		}
	}
	return c
}

// deployRoles checks that the conditions lock nobody out who deploys the bucket: the roles that do have to be known, and of its account.
func (r *reader) deployRoles(c Conditions, account string) {
	for i, arn := range c.DeployRoles {
		if match := roleARNForm.FindStringSubmatch(arn); match != nil && match[1] != account {
			r.refuse(fmt.Sprintf("deployRoles[%d]", i), arn, fmt.Sprintf("a role of account %s, which dataAccountId names", account))
		}
	}
	if c.bounds() && len(c.DeployRoles) == 0 {
		r.refuse("deployRoles", r.text("deployRoles"), "the roles that deploy this stack, with vpcEndpoints, sourceIps or organizationId: "+
			"these would be locked out of the bucket")
	}
}

// bounds says whether there is a condition that whoever deploys the bucket may not meet.
func (c Conditions) bounds() bool {
	return c.BoundToNetworks() || c.OrganizationID != ""
}

// BoundToNetworks says whether requests are let in from some networks only.
func (c Conditions) BoundToNetworks() bool { return len(c.VPCEndpoints)+len(c.SourceIPs) > 0 }

// list reads a list of texts of one form, each named only once.
func (r *reader) list(key string, form *regexp.Regexp, allowed string) []string {
	text := r.text(key)
	var values []string
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		r.refuse(key, text, "a list, each of it "+allowed)
		return nil
	}
	for i, value := range values {
		if !form.MatchString(value) {
			r.refuse(fmt.Sprintf("%s[%d]", key, i), value, allowed)
		} else if slices.Contains(values[:i], value) {
			r.refuse(fmt.Sprintf("%s[%d]", key, i), value, "named only once")
		}
	}
	return values
}

// networks reads networks. Together they have to leave somebody out: half of all addresses twice is as good as no condition.
func (r *reader) networks(key string) []netip.Prefix {
	const allowed = "an address or a network in CIDR notation, as in 203.0.113.0/24, whose bits behind the mask are zero"
	text := r.text(key)
	var values []string
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		r.refuse(key, text, "a list, each of it "+allowed)
		return nil
	}
	var networks []netip.Prefix
	share := map[bool]float64{} // of all addresses, by whether they are of IPv6
	for i, value := range values {
		network, err := netip.ParsePrefix(value)
		if address, single := netip.ParseAddr(value); single == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		switch {
		case err != nil, network != network.Masked():
			r.refuse(fmt.Sprintf("%s[%d]", key, i), value, allowed)
			continue
		case slices.ContainsFunc(networks, network.Overlaps):
			r.refuse(fmt.Sprintf("%s[%d]", key, i), value, "apart from the networks before it")
			continue
		}
		networks = append(networks, network)
		share[network.Addr().Is6()] += 1 / float64(uint64(1)<<min(network.Bits(), 63))
	}
	if share[false] > 1.0/256 || share[true] > 1.0/256 {
		r.refuse(key, text, "narrower: together no more than one address in 256, as an 8 bit network is")
	}
	return networks
}

// denials keep out what the conditions do not let in: requests from other networks, and principals of other organizations. What an AWS
// service does for itself, or in somebody's name, comes from the network of AWS, and whoever deploys the bucket may come from anywhere. The
// conditions of one statement all have to be met, so that a request is denied which is neither from one of the endpoints nor from one of
// the addresses; a negated operator is met by a key that is missing, as aws:SourceIp is behind an endpoint.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-network-properties
func (c Conditions) denials(bucketARN string) []policy.Statement {
	if !c.bounds() {
		return nil
	}
	deny := func(sid string, conditions map[string]map[string]*policy.ConditionValue) policy.Statement {
		exempt := map[string]map[string]*policy.ConditionValue{
			"ArnNotEquals": {"aws:PrincipalArn": conditionValues(c.DeployRoles...)},
			"BoolIfExists": {
				"aws:PrincipalIsAWSService": conditionValues("false"),
				"aws:ViaAWSService":         conditionValues("false"),
			},
		}
		maps.Copy(conditions, exempt)
		return policy.Statement{
			Sid:       sid,
			Effect:    policy.EffectDeny,
			Principal: policy.NewGlobalPrincipal(),
			Action:    values("s3:*"),
			Resource:  values(bucketARN, bucketARN+"/*"),
			Condition: conditions,
		}
	}
	var statements []policy.Statement
	networks := map[string]map[string]*policy.ConditionValue{}
	if len(c.VPCEndpoints) > 0 {
		networks["StringNotEquals"] = map[string]*policy.ConditionValue{
			"aws:SourceVpce": conditionValues(c.VPCEndpoints...),
		}
	}
	if len(c.SourceIPs) > 0 {
		var texts []string
		for _, network := range c.SourceIPs {
			texts = append(texts, network.String())
		}
		networks["NotIpAddress"] = map[string]*policy.ConditionValue{"aws:SourceIp": conditionValues(texts...)}
	}
	if len(networks) > 0 {
		statements = append(statements, deny("DenyOtherNetworks", networks))
	}
	if c.OrganizationID != "" {
		statements = append(statements, deny("DenyOtherOrganizations", condition("StringNotEquals", "aws:PrincipalOrgID", c.OrganizationID)))
	}
	return statements
}
