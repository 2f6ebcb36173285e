"""Documents of ml.features.data, as a sample of its rows show them: 4843 of 15598 were read."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel


class Engagement(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())

    dwell_time_seconds: int = Field(alias="dwellTimeSeconds")


class SessionBehaviour(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())

    engagement: Engagement


class DerivedFeatures(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())

    session_behaviour: SessionBehaviour = Field(alias="sessionBehaviour")


class FeaturesData(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())

    customer_segment: str = Field(alias="customerSegment")
    derived_features: DerivedFeatures = Field(alias="derivedFeatures")
    service_identifier: str = Field(alias="serviceIdentifier")
    observation_timestamp: int = Field(alias="observationTimestamp")
