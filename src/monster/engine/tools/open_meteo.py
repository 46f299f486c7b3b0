"""Weather by Open-Meteo, which needs no key."""

from typing import Annotated, Any

from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Http

_NOW = (
    "temperature_2m,apparent_temperature,relative_humidity_2m,precipitation,weather_code,"
    "cloud_cover,wind_speed_10m,wind_gusts_10m,wind_direction_10m,is_day"
)
_DAY = (
    "weather_code,temperature_2m_max,temperature_2m_min,precipitation_sum,"
    "precipitation_probability_max,wind_speed_10m_max,sunrise,sunset"
)
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class OpenMeteo(ToolFactory):
    system_name = "open_meteo"
    name = "Weather (Open-Meteo)"
    category = "Web"
    description = "Weather now and for the next days, anywhere"
    logo = "cloud"
    base_url = "https://api.open-meteo.com"

    @tool(Effect.READ)
    async def find_place(self, name: str, limit: Annotated[int, Field(ge=1, le=20)] = 5) -> object:
        """Find the latitude and longitude of a town or region.

        name: A town, region or postal code, without the country.
        limit: How many, if several have the name.
        """
        # The list of places has a host of its own, unless the platform says where all of it is.
        where = self.connection.base_url or "https://geocoding-api.open-meteo.com"
        places = Http(self.connection.session, self.name, where, self._authorize)
        found = await places.get("/v1/search", params={"name": name, "count": limit})
        kept = ("name", "admin1", "country", "latitude", "longitude", "timezone", "population")
        return [{k: one.get(k) for k in kept} for one in _dict(found).get("results", [])]

    @tool(Effect.READ)
    async def weather_now(self, latitude: Latitude, longitude: Longitude) -> object:
        """The weather at a place now, with units. `weather_code` is the WMO code.

        latitude: As find_place tells it.
        longitude: As find_place tells it.
        """
        asked = {"latitude": latitude, "longitude": longitude, "current": _NOW, "timezone": "auto"}
        found = _dict(await self.http.get("/v1/forecast", params=asked))
        return {
            "now": found.get("current"),
            "units": found.get("current_units"),
            "timezone": found.get("timezone"),
        }

    @tool(Effect.READ)
    async def forecast(
        self,
        latitude: Latitude,
        longitude: Longitude,
        days: Annotated[int, Field(ge=1, le=16)] = 7,
    ) -> object:
        """The weather of the next days at a place, day by day, with units.

        latitude: As find_place tells it.
        longitude: As find_place tells it.
        days: How many, today included.
        """
        asked = {"latitude": latitude, "longitude": longitude, "daily": _DAY, "timezone": "auto"}
        found = _dict(await self.http.get("/v1/forecast", params={**asked, "forecast_days": days}))
        daily: dict[str, list[Any]] = found.get("daily", {})
        rows = [dict(zip(daily, values, strict=True)) for values in zip(*daily.values())]  # noqa: B905
        return {"days": rows, "units": found.get("daily_units"), "timezone": found.get("timezone")}


def _dict(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ToolFailed("Open-Meteo's answer is not what it should be")
    return found  # pyright: ignore[reportUnknownVariableType]
