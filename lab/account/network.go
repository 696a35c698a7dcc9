package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	iampolicy "github.com/micahhausler/aws-iam-policy/policy"

	"cross-account-s3/policy"
)

// VPC is what functions and S3 endpoints have to do with a VPC. There is nothing else in it, and no way out of it but such an endpoint.
type VPC struct {
	Account string
	Region  string
	ID      string
	// Subnets are the ids of the subnets, with that of the route table of each.
	Subnets        map[string]string
	SecurityGroups []string
}

// VPCEndpoint is a gateway endpoint of S3: the way to S3 from the subnets of its route tables.
type VPCEndpoint struct {
	Account string
	Region  string
	ID      string
	// VPC and Service are as vpc-0123456789abcdef0 and com.amazonaws.us-east-1.s3.
	VPC         string
	Service     string
	RouteTables []string
	// Policy says what it lets through.
	Policy string
	Tags   map[string]string
}

// ARN is the endpoint's ARN.
func (e *VPCEndpoint) ARN() string {
	return "arn:aws:ec2:" + e.Region + ":" + e.Account + ":vpc-endpoint/" + e.ID
}

func (e *VPCEndpoint) copy() VPCEndpoint {
	result := *e
	result.RouteTables, result.Tags = slices.Clone(e.RouteTables), maps.Clone(e.Tags)
	return result
}

// network is the part of a world that EC2 has.
type network struct {
	vpcs      map[string]VPC          // by id
	endpoints map[string]*VPCEndpoint // by id
}

func newNetwork() network {
	return network{vpcs: map[string]VPC{}, endpoints: map[string]*VPCEndpoint{}}
}

// arns are those of what stacks make; a VPC is there before.
func (n *network) arns() []string {
	var arns []string
	for _, endpoint := range n.endpoints {
		arns = append(arns, endpoint.ARN())
	}
	return arns
}

// AddVPC adds a VPC to an account.
func (w *World) AddVPC(vpc VPC) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.vpcs[vpc.ID] = vpc
}

// letsAllThrough is the policy of an endpoint that is made without one.
const letsAllThrough = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// PutVPCEndpoint makes an endpoint, whose id is then chosen, or changes route tables, policy and tags of the one with the id that is
// given. The errors are those of EC2.
//
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (w *World) PutVPCEndpoint(endpoint VPCEndpoint) (VPCEndpoint, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if endpoint.Policy == "" {
		endpoint.Policy = letsAllThrough
	}
	if endpoint.ID == "" {
		id := make([]byte, 8)
		_, _ = rand.Read(id) // Which never fails.
		endpoint.ID = "vpce-0" + hex.EncodeToString(id)
	} else if w.endpoints[endpoint.ID] == nil {
		return VPCEndpoint{}, noVPCEndpoint(endpoint.ID)
	}
	if err := w.checkVPCEndpoint(endpoint); err != nil {
		return VPCEndpoint{}, err
	}
	stored := endpoint.copy()
	w.endpoints[endpoint.ID] = &stored
	return stored.copy(), nil
}

func (w *World) checkVPCEndpoint(endpoint VPCEndpoint) error {
	vpc, known := w.vpcs[endpoint.VPC]
	if !known || vpc.Account != endpoint.Account || vpc.Region != endpoint.Region {
		return refuse("InvalidVpcId.NotFound", "The vpc ID '%s' does not exist", endpoint.VPC)
	}
	if endpoint.Service != "com.amazonaws."+endpoint.Region+".s3" {
		return refuse("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", endpoint.Service)
	}
	for _, table := range endpoint.RouteTables {
		if !slices.Contains(slices.Collect(maps.Values(vpc.Subnets)), table) {
			return refuse("InvalidRouteTableId.NotFound", "The routeTable ID '%s' does not exist in %s", table, vpc.ID)
		}
		for _, other := range w.endpoints {
			if other.ID != endpoint.ID && slices.Contains(other.RouteTables, table) {
				return refuse("RouteAlreadyExists", "route table %s already has a route with the prefix list of %s", table, endpoint.Service)
			}
		}
	}
	return checkEndpointPolicy(endpoint.Policy)
}

// checkEndpointPolicy finds what EC2 takes of other policies, but not of a gateway endpoint's.
//
// Source: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
func checkEndpointPolicy(document string) error {
	const code = "InvalidPolicyDocument"
	if _, err := policy.ReadDocument(policy.ResourcePolicy, "the endpoint", []byte(document)); err != nil {
		return refuse(code, "%v", err)
	}
	var problem error
	if _, err := mapPrincipals(document, func(principal string) string {
		if principal != "*" {
			problem = refuse(code, "the policy of a gateway endpoint is for the principal *, and not for %s; name it in a condition", principal)
		}
		return principal
	}); err != nil || problem != nil {
		return problem
	}
	var read iampolicy.Policy
	if err := json.Unmarshal([]byte(document), &read); err != nil {
		return refuse(code, "%v", err)
	}
	for _, statement := range read.Statements.Values() {
		for operator, keys := range statement.Condition {
			for key, condition := range keys {
				values, _, _ := condition.Values()
				if strings.Contains(operator, "String") && slices.ContainsFunc(values, hasShortWildcard) {
					return refuse(code, "the condition %s on %s has a wildcard without six other characters beside it: %v", operator, key, values)
				}
			}
		}
	}
	return nil
}

// hasShortWildcard says whether a text has a wildcard with fewer than six other characters in front of it and behind it.
func hasShortWildcard(text string) bool {
	parts := wildcard.Split(text, -1)
	for i := range parts[1:] {
		if max(len(parts[i]), len(parts[i+1])) < 6 {
			return true
		}
	}
	return false
}

var wildcard = regexp.MustCompile(`[*?]`)

// VPCEndpoint is the endpoint with this id.
func (w *World) VPCEndpoint(id string) (VPCEndpoint, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if endpoint := w.endpoints[id]; endpoint != nil {
		return endpoint.copy(), nil
	}
	return VPCEndpoint{}, noVPCEndpoint(id)
}

// DeleteVPCEndpoint deletes an endpoint.
func (w *World) DeleteVPCEndpoint(id string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.endpoints[id] == nil {
		return noVPCEndpoint(id)
	}
	delete(w.endpoints, id)
	return nil
}

func noVPCEndpoint(id string) error {
	return refuse("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist", id)
}

// AuthorizeThrough decides whether the policy of an endpoint lets a request through that has been allowed otherwise. It returns what was
// decided as well.
func (w *World) AuthorizeThrough(ctx context.Context, id string, allowed policy.Case) (policy.Case, policy.Result, error) {
	endpoint, err := w.VPCEndpoint(id)
	if err != nil {
		return allowed, policy.Result{}, err
	}
	c := policy.ThroughEndpoint(allowed, []byte(endpoint.Policy))
	result, err := w.decider.Decide(ctx, c)
	return c, result, err
}

// WayToS3 is the endpoint that a function in a VPC reaches S3 through; false where it does not, as some subnet of it does not lead there.
func (w *World) WayToS3(function Function) (VPCEndpoint, bool) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	for _, endpoint := range w.endpoints {
		leadsElsewhere := func(subnet string) bool {
			return !slices.Contains(endpoint.RouteTables, w.vpcs[endpoint.VPC].Subnets[subnet])
		}
		if len(function.Subnets) > 0 && !slices.ContainsFunc(function.Subnets, leadsElsewhere) {
			return endpoint.copy(), true
		}
	}
	return VPCEndpoint{}, false
}

// checkNetwork refuses a function whose network interfaces Lambda could not make, in the words of Lambda.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
func (w *World) checkNetwork(ctx context.Context, function *Function) error {
	const code = "InvalidParameterValueException"
	if (len(function.Subnets) == 0) != (len(function.SecurityGroups) == 0) {
		return refuse(code, "SubnetIds and SecurityIds must coexist or be both empty list.")
	}
	var vpcs []string
	for _, subnet := range function.Subnets {
		vpc := w.vpcOf(function, func(vpc VPC) bool { return vpc.Subnets[subnet] != "" })
		if vpc == "" {
			return refuse(code, "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. "+
				"EC2 Error Message: The subnet ID '%s' does not exist", subnet)
		}
		vpcs = append(vpcs, vpc)
	}
	for _, group := range function.SecurityGroups {
		vpc := w.vpcOf(function, func(vpc VPC) bool { return slices.Contains(vpc.SecurityGroups, group) })
		if vpc == "" {
			return refuse(code, "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. "+
				"EC2 Error Message: The security group '%s' does not exist", group)
		}
		vpcs = append(vpcs, vpc)
	}
	if len(slices.Compact(vpcs)) > 1 {
		return refuse(code, "the subnets and security groups of function %s are not all of one VPC: %s", function.Name, strings.Join(vpcs, ", "))
	}
	return w.checkInterfaces(ctx, function)
}

// vpcOf is the VPC, of those that a function can be in, of which something is true; empty where it is of none.
func (w *World) vpcOf(function *Function, is func(VPC) bool) string {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	for id, vpc := range w.vpcs {
		if vpc.Account == function.Account && vpc.Region == function.Region && is(vpc) {
			return id
		}
	}
	return ""
}

// checkInterfaces refuses a function in a VPC whose role does not let Lambda manage its network interfaces. For the deletion, Lambda asks
// about all resources.
func (w *World) checkInterfaces(ctx context.Context, function *Function) error {
	if len(function.Subnets) == 0 {
		return nil
	}
	role, err := w.Role(function.Role)
	if err != nil {
		return err
	}
	session := "arn:aws:sts::" + role.Account + ":assumed-role/" + role.Name + "/awslambda"
	lambda := Key{Principal: session, Role: role.ARN, RoleID: role.UniqueID}
	arn := func(resource string) string {
		return "arn:aws:ec2:" + function.Region + ":" + function.Account + ":" + resource
	}
	anInterface := []string{arn("network-interface/*")}
	created := slices.Clone(anInterface)
	for _, subnet := range function.Subnets {
		created = append(created, arn("subnet/"+subnet))
	}
	for _, group := range function.SecurityGroups {
		created = append(created, arn("security-group/"+group))
	}
	for _, needed := range []struct {
		action    string
		resources []string
	}{
		{"CreateNetworkInterface", created},
		{"DescribeNetworkInterfaces", []string{"*"}},
		{"DescribeSubnets", []string{"*"}},
		{"DeleteNetworkInterface", []string{arn("*/*")}},
		{"AssignPrivateIpAddresses", anInterface},
		{"UnassignPrivateIpAddresses", anInterface},
	} {
		for _, resource := range needed.resources {
			_, result, err := w.Authorize(ctx, &lambda, "ec2:"+needed.action, resource, map[string]any{
				"aws:SecureTransport": "true", "aws:RequestedRegion": function.Region,
			})
			if err != nil {
				return err
			}
			if result.Decision != policy.Allowed {
				return refuse("InvalidParameterValueException",
					"The provided execution role does not have permissions to call %s on EC2", needed.action)
			}
		}
	}
	return nil
}
