"""AWS inventory: what EC2 and its neighbours show. Each function yields the resources of one kind in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costlab_connectors._aws_api import tags_of
from costlab_connectors._inventory import Resource, utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab_connectors._aws_api import Place

_GONE = frozenset({"terminated", "shutting-down", "deleted", "deleting"})
_COPIED = "vol-ffffffff"
"""What AWS gives as the volume of a snapshot that was copied or imported: no volume at all."""


def _resource(place: Place, kind: str, native: str, resource_id: str, tags: Any, **more: Any) -> Resource:
    tagged = tags_of(tags)
    told: dict[str, Any] = {"name": tagged.get("Name"), **more}
    return Resource(
        resource_id,
        kind,
        f"AWS::{native}",
        sub_account_id=place.account,
        region_id=place.region,
        tags=tagged,
        **told,
    )


def instances(place: Place) -> Iterator[Resource]:
    """Yield the virtual machines that are there, stopped ones too."""
    for found in place.pages("ec2", "describe_instances", "Reservations[].Instances[]"):
        state = found["State"]["Name"]
        if state in _GONE:
            continue
        tags = tags_of(found.get("Tags"))
        placement = found.get("Placement", {})
        yield _resource(
            place,
            "instance",
            "EC2::Instance",
            found["InstanceId"],
            found.get("Tags"),
            zone=placement.get("AvailabilityZone"),
            state=state,
            shape=found.get("InstanceType"),
            attached_to=tags.get("aws:autoscaling:groupName"),
            created_at=utc(found.get("LaunchTime")),
            properties={
                "architecture": found.get("Architecture"),
                "platform": found.get("PlatformDetails"),
                "usage_operation": found.get("UsageOperation"),
                "lifecycle": found.get("InstanceLifecycle", "on-demand"),
                "tenancy": placement.get("Tenancy"),
                "image_id": found.get("ImageId"),
                "vpc_id": found.get("VpcId"),
                "ebs_optimized": found.get("EbsOptimized"),
                "volumes": [m["Ebs"]["VolumeId"] for m in found.get("BlockDeviceMappings", ()) if "Ebs" in m],
                "network_interfaces": len(found.get("NetworkInterfaces", ())),
                "state_reason": found.get("StateTransitionReason"),
            },
        )


def volumes(place: Place) -> Iterator[Resource]:
    """Yield the EBS volumes; ``attached_to`` is the machine, None for an unattached one."""
    for found in place.pages("ec2", "describe_volumes", "Volumes[]"):
        attached = [a for a in found.get("Attachments", ()) if a.get("State") != "detached"]
        yield _resource(
            place,
            "disk",
            "EC2::Volume",
            found["VolumeId"],
            found.get("Tags"),
            zone=found.get("AvailabilityZone"),
            state=found.get("State"),
            shape=found.get("VolumeType"),
            size_gib=float(found["Size"]),
            attached_to=attached[0].get("InstanceId") if attached else None,
            created_at=utc(found.get("CreateTime")),
            properties={
                "iops": found.get("Iops"),
                "throughput": found.get("Throughput"),
                "encrypted": found.get("Encrypted"),
                "snapshot_id": found.get("SnapshotId"),
                "multi_attach": found.get("MultiAttachEnabled"),
                "attachments": [a.get("InstanceId") for a in attached],
                "attached_at": utc(attached[0].get("AttachTime")) if attached else None,
            },
        )


def snapshots(place: Place) -> Iterator[Resource]:
    """Yield the account's own EBS snapshots; ``attached_to`` is the volume each was made of."""
    for found in place.pages("ec2", "describe_snapshots", "Snapshots[]", OwnerIds=["self"]):
        volume = found.get("VolumeId")
        yield _resource(
            place,
            "snapshot",
            "EC2::Snapshot",
            place.arn("ec2", f"snapshot/{found['SnapshotId']}"),
            found.get("Tags"),
            state=found.get("State"),
            shape=found.get("StorageTier", "standard"),
            size_gib=float(found["VolumeSize"]),
            attached_to=None if volume == _COPIED else volume,
            created_at=utc(found.get("StartTime")),
            properties={"description": found.get("Description"), "encrypted": found.get("Encrypted")},
        )


def images(place: Place) -> Iterator[Resource]:
    """Yield the account's own machine images, with the snapshots they need."""
    for found in place.pages("ec2", "describe_images", "Images[]", Owners=["self"]):
        disks = [m["Ebs"] for m in found.get("BlockDeviceMappings", ()) if "Ebs" in m]
        yield _resource(
            place,
            "image",
            "EC2::Image",
            found["ImageId"],
            found.get("Tags"),
            name=found.get("Name"),
            state=found.get("State"),
            size_gib=float(sum(d.get("VolumeSize", 0) for d in disks)),
            created_at=utc(found.get("CreationDate")),
            properties={
                "architecture": found.get("Architecture"),
                "public": found.get("Public"),
                "snapshots": [d["SnapshotId"] for d in disks if "SnapshotId" in d],
                "last_launched": found.get("LastLaunchedTime"),
            },
        )


def addresses(place: Place) -> Iterator[Resource]:
    """Yield the Elastic IP addresses; ``attached_to`` is the machine or network interface."""
    for found in place.ask("ec2", "describe_addresses")["Addresses"]:
        used_by = found.get("InstanceId") or found.get("NetworkInterfaceId")
        yield _resource(
            place,
            "address",
            "EC2::EIP",
            place.arn("ec2", f"elastic-ip/{found.get('AllocationId', found['PublicIp'])}"),
            found.get("Tags"),
            state="associated" if found.get("AssociationId") or used_by else "unassociated",
            attached_to=used_by,
            properties={"public_ip": found["PublicIp"], "domain": found.get("Domain")},
        )


def nat_gateways(place: Place) -> Iterator[Resource]:
    """Yield the NAT gateways."""
    for found in place.pages("ec2", "describe_nat_gateways", "NatGateways[]"):
        if found.get("State") in _GONE:
            continue
        yield _resource(
            place,
            "nat-gateway",
            "EC2::NatGateway",
            place.arn("ec2", f"natgateway/{found['NatGatewayId']}"),
            found.get("Tags"),
            state=found.get("State"),
            created_at=utc(found.get("CreateTime")),
            properties={
                "vpc_id": found.get("VpcId"),
                "subnet_id": found.get("SubnetId"),
                "connectivity": found.get("ConnectivityType"),
                "public_ips": [a["PublicIp"] for a in found.get("NatGatewayAddresses", ()) if a.get("PublicIp")],
            },
        )


def vpc_endpoints(place: Place) -> Iterator[Resource]:
    """Yield the VPC endpoints; ``shape`` is Interface, Gateway or GatewayLoadBalancer."""
    for found in place.pages("ec2", "describe_vpc_endpoints", "VpcEndpoints[]"):
        yield _resource(
            place,
            "vpc-endpoint",
            "EC2::VPCEndpoint",
            place.arn("ec2", f"vpc-endpoint/{found['VpcEndpointId']}"),
            found.get("Tags"),
            state=found.get("State"),
            shape=found.get("VpcEndpointType"),
            attached_to=found.get("VpcId"),
            created_at=utc(found.get("CreationTimestamp")),
            properties={"service": found.get("ServiceName"), "zones": len(found.get("SubnetIds", ()))},
        )


def transit_attachments(place: Place) -> Iterator[Resource]:
    """Yield what is attached to transit gateways, on this account's side."""
    for found in place.pages("ec2", "describe_transit_gateway_attachments", "TransitGatewayAttachments[]"):
        yield _resource(
            place,
            "transit-attachment",
            "EC2::TransitGatewayAttachment",
            place.arn("ec2", f"transit-gateway-attachment/{found['TransitGatewayAttachmentId']}"),
            found.get("Tags"),
            state=found.get("State"),
            shape=found.get("ResourceType"),
            attached_to=found.get("ResourceId"),
            created_at=utc(found.get("CreationTime")),
            properties={"transit_gateway_id": found.get("TransitGatewayId")},
        )


def autoscaling_groups(place: Place) -> Iterator[Resource]:
    """Yield the Auto Scaling groups with the machines in them."""
    for found in place.pages("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups[]"):
        yield _resource(
            place,
            "autoscaling-group",
            "AutoScaling::AutoScalingGroup",
            found["AutoScalingGroupARN"],
            found.get("Tags"),
            name=found["AutoScalingGroupName"],
            state=found.get("Status"),
            created_at=utc(found.get("CreatedTime")),
            properties={
                "minimum": found.get("MinSize"),
                "maximum": found.get("MaxSize"),
                "desired": found.get("DesiredCapacity"),
                "instances": [i["InstanceId"] for i in found.get("Instances", ())],
                "mixed": "MixedInstancesPolicy" in found,
            },
        )
