package provider

import (
	"context"

	"cross-account-s3/lab/account"
)

// may says whether a function may be connected to the network by the session's principal, in whose name Lambda looks at it.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
func (c *vpcConfig) may(ctx context.Context, s *session) error {
	if len(c.SubnetIDs)+len(c.SecurityGroupIDs) == 0 {
		return nil
	}
	for _, action := range []string{"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"} {
		if err := s.may(ctx, action, "*"); err != nil {
			return err
		}
	}
	return nil
}

// https://www.pulumi.com/registry/packages/aws/api-docs/ec2/vpcendpoint/
type vpcEndpoint struct {
	VPCID           string            `json:"vpcId" lab:"required,replaces"`
	ServiceName     string            `json:"serviceName" lab:"required,replaces"`
	VPCEndpointType string            `json:"vpcEndpointType" lab:"replaces" default:"\"Gateway\""`
	RouteTableIDs   []string          `json:"routeTableIds,omitempty"`
	Policy          string            `json:"policy,omitempty" lab:"policy"`
	Tags            map[string]string `json:"tags,omitempty"`
}

func (e *vpcEndpoint) put(ctx context.Context, s *session, create bool) (string, error) {
	if e.VPCEndpointType != "Gateway" {
		message := "the lab has no endpoints of the type " + e.VPCEndpointType + ", but Gateway"
		return s.id, &account.Error{Code: "InvalidParameter", Message: message}
	}
	stored := account.VPCEndpoint{
		Account: s.account, Region: s.region, ID: s.id, VPC: e.VPCID, Service: e.ServiceName, RouteTables: e.RouteTableIDs, Policy: e.Policy,
		Tags: e.Tags,
	}
	action := "ec2:ModifyVpcEndpoint"
	if create {
		action = "ec2:CreateVpcEndpoint"
	}
	if err := s.may(ctx, action, stored.ARN()); err != nil {
		return s.id, err
	}
	stored, err := s.world.PutVPCEndpoint(stored)
	return stored.ID, err
}

func (e *vpcEndpoint) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	if err := s.may(ctx, "ec2:DescribeVpcEndpoints", "*"); err != nil {
		return nil, err
	}
	stored, err := s.world.VPCEndpoint(id)
	if err != nil {
		return nil, err
	}
	*e = vpcEndpoint{
		VPCID: stored.VPC, ServiceName: stored.Service, VPCEndpointType: "Gateway", RouteTableIDs: stored.RouteTables, Policy: stored.Policy,
		Tags: stored.Tags,
	}
	return map[string]any{"arn": stored.ARN(), "ownerId": stored.Account, "state": "available", "tagsAll": tags(stored.Tags)}, nil
}

func (e *vpcEndpoint) remove(ctx context.Context, s *session, id string) error {
	stored, err := s.world.VPCEndpoint(id)
	if err != nil {
		return err
	}
	if err := s.may(ctx, "ec2:DeleteVpcEndpoints", stored.ARN()); err != nil {
		return err
	}
	return s.world.DeleteVPCEndpoint(id)
}
