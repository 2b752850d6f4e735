"""Word lists out of which companies and people are made."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


STEMS: Final = _words(
    "Alder Amber Anchor Apex Arbor Arden Argent Aspen Atlas Aurora Avalon Azalea "
    "Bastion Beacon Birch Bluebell Boreal Bramble Bridge Brook Calder Canyon "
    "Cardinal Cascade Castle Cedar Chestnut Cinder Clover Cobalt Comet Copper Coral "
    "Cornerstone Crescent Crown Cypress Dalton Delta Dover Eagle Eastgate Elm Ember "
    "Emerald Evergreen Fairview Falcon Fern Fjord Flint Forge Foxglove Garnet "
    "Glacier Granite Greenfield Grove Harbor Hawthorn Hazel Heron Highland Hollow "
    "Horizon Indigo Iris Ironwood Ivory Jasper Juniper Kestrel Keystone Kingfisher "
    "Lakeside Larch Laurel Lighthouse Lime Linden Lotus Lumen Magnolia Maple Marble "
    "Meadow Meridian Merlin Midland Mistral Monarch Mosaic Northgate Nova Oak Oasis "
    "Obsidian Onyx Opal Orchard Orion Osprey Palisade Pearl Pebble Pine Pinnacle "
    "Polaris Poplar Prairie Quarry Quartz Raven Redwood Ridge River Rowan Sable "
    "Saffron Sage Sapphire Sequoia Sierra Silver Sparrow Spruce Sterling Stone "
    "Summit Sycamore Tamarack Teal Terra Thistle Timber Topaz Trident Tundra Umber "
    "Valley Vertex Vista Walnut Westwood Willow Windmill Wren Yarrow Zenith"
)

MIDDLES: Final = _words(
    "Bay Brothers Coast Creek Dental Dynamics Field Freight Gate Group Haven Hill "
    "Hotels Industries Labs Land Legal Logistics Marine Medical Metal Mills Motors "
    "Park Partners Point Press Print Rail Retail School Shore Stores Supply Systems "
    "Textiles Tools Trade Transport Travel Water Wood Works"
)

TRADES: Final = (
    "Accounting",
    "Advisory",
    "Architects",
    "Automation",
    "Bakery",
    "Builders",
    "Catering",
    "Clinics",
    "Consulting",
    "Design",
    "Electrical",
    "Energy",
    "Engineering",
    "Events",
    "Farms",
    "Finance",
    "Foods",
    "Health",
    "Insurance",
    "Interiors",
    "Law",
    "Manufacturing",
    "Media",
    "Optics",
    "Pharma",
    "Plastics",
    "Property",
    "Recruitment",
    "Research",
    "Security",
    "Software",
    "Solar",
    "Steel",
    "Studios",
    "Surveyors",
    "Training",
    "Veterinary",
    "Ventures",
    "Wholesale",
)

FIRST_NAMES: Final = _words(
    "Ada Aisha Alex Amelia Anika Anna Anton Ben Beth Carla Carlos Chen Chloe Clara "
    "Dana Daniel David Diego Elena Elif Emil Emma Erik Eva Fatima Felix Finn Freya "
    "Grace Hana Hannah Hugo Ibrahim Ida Ines Isaac Ivan Jack Jana Jasmin Jonas Julia "
    "Kai Karin Kofi Lars Laura Lea Leo Lina Lucas Maja Malik Marco Maria Marta Max "
    "Mei Mia Milan Mohammed Nadia Nils Nina Noah Nora Oliver Omar Oscar Pavel Paula "
    "Petra Priya Rafael Ravi Rosa Ruth Samir Sara Simon Sofia Stefan Tara Theo "
    "Thomas Tomas Uma Vera Victor Yara Yuki Zoe"
)

LAST_NAMES: Final = _words(
    "Adams Ahmed Andersen Bakker Barnes Bauer Becker Bell Berg Bianchi Brown Carter "
    "Chan Clark Cohen Cooper Costa Davies Diaz Dubois Eriksen Evans Fischer Fontaine "
    "Foster Garcia Gupta Hansen Harris Hill Hoffmann Hughes Huber Ito Jansen Johnson "
    "Jones Kaya Keller Khan Kim Klein Kowalski Kumar Lambert Larsen Lee Lewis Lopez "
    "Martin Meyer Miller Moreau Morgan Moser Murphy Nguyen Nielsen Novak Okafor "
    "Olsen Patel Perez Petit Phillips Pires Reyes Richter Roberts Rossi Santos "
    "Schmidt Scott Silva Singh Smith Steiner Suzuki Tanaka Taylor Thomas Tran Turner "
    "Vogel Walker Wang Watson Weber White Williams Wilson Wong Wright Young Zimmer"
)

STREETS: Final = (
    "High Street",
    "Station Road",
    "Market Square",
    "Mill Lane",
    "Harbour Way",
    "Church Street",
    "Park Avenue",
    "King Street",
    "Victoria Road",
    "Garden Row",
    "Bridge Street",
    "Commerce Drive",
    "Industrial Parkway",
    "Lake Road",
    "Forest Way",
    "Foundry Lane",
)
