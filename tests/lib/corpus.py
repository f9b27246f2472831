"""Functions of packages from PyPI that were not written for pygrad, at points of their documentation.

Each is an expression; every float in it is an input. `helpers` are functions of this file, which use such
packages as a program would.
"""

# ruff: noqa: E501  an expression is a line

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

import pygrad

EXPRESSIONS = """
fluids.core.Reynolds(V=2.5, D=0.25, nu=1e-5)
fluids.core.Froude(V=1.83, L=2.0)
fluids.friction.friction_factor(Re=1e5, eD=1e-4)
fluids.friction.Colebrook(Re=1e5, eD=1e-4)
fluids.friction.Clamond(Re=1e5, eD=1e-4)
fluids.friction.Serghides_2(Re=1e5, eD=1e-4)
fluids.friction.friction_laminar(128.0)
fluids.friction.one_phase_dP(m=10.0, rho=1000.0, mu=1e-5, D=0.1, L=1.0)
fluids.fittings.bend_rounded(Di=4.02, rc=20.0, angle=30.0, fd=0.012)
fluids.fittings.contraction_sharp(Di1=1.0, Di2=0.4)
fluids.fittings.diffuser_conical(Di1=0.3, Di2=1.0, angle=50.0, fd=0.03)
fluids.fittings.entrance_rounded(Di=0.1, rc=0.0235)
fluids.fittings.K_gate_valve_Crane(D1=0.146, D2=0.1, angle=13.115, fd=0.02)
fluids.packed_bed.Ergun(dp=8e-4, voidage=0.4, vs=1e-3, rho=1e3, mu=1e-3, L=0.5)
fluids.packed_bed.dP_packed_bed(dp=8e-4, voidage=0.4, vs=1e-3, rho=1e3, mu=1e-3)
fluids.drag.v_terminal(D=70e-6, rhop=2600.0, rho=1000.0, mu=1e-3)
fluids.drag.drag_sphere(200.0)
fluids.two_phase.Lockhart_Martinelli(m=0.6, x=0.1, rhol=915.0, rhog=2.67, mul=180e-6, mug=14e-6, D=0.05, L=1.0)
fluids.two_phase.Friedel(m=0.6, x=0.1, rhol=915.0, rhog=2.67, mul=180e-6, mug=14e-6, sigma=0.0487, D=0.05, L=1.0)
fluids.two_phase.Muller_Steinhagen_Heck(m=0.6, x=0.1, rhol=915.0, rhog=2.67, mul=180e-6, mug=14e-6, D=0.05, L=1.0)
fluids.two_phase_voidage.Rouhani_1(x=0.4, rhol=800.0, rhog=2.5, sigma=0.02, m=1.0, D=0.3)
fluids.compressible.isothermal_gas(rho=11.3, fd=0.00185, P1=1e6, P2=9e5, L=1000.0, D=0.5)
fluids.compressible.Panhandle_A(D=0.34, P1=90e5, P2=20e5, L=160e3, SG=0.693, Tavg=277.15)
fluids.compressible.stagnation_energy(125.0)
fluids.control_valve.size_control_valve_l(rho=965.4, Psat=70.1e3, Pc=22120e3, mu=3.1472e-4, P1=680e3, P2=220e3, Q=0.1, D1=0.15, D2=0.16, d=0.1, FL=0.9, Fd=0.46)
fluids.open_flow.V_Manning(0.2859, 0.005236, 0.03)
fluids.flow_meter.C_Reader_Harris_Gallagher(D=0.07391, Do=0.0222, rho=1.165, mu=1.85e-5, m=0.12, taps="flange")
fluids.safety_valve.API520_A_g(m=6.5, T=348.0, Z=0.9, MW=51.0, k=1.11, P1=670e3, Kb=1.0, Kc=1.0)
fluids.mixing.agitator_time_homogeneous(N=1.8, P=9000.0, T=2.43, H=1.83, mu=0.018, rho=1020.0, D=1.458)
fluids.geometry.V_horiz_torispherical(D=2.8, L=8.0, f=1.0, k=0.06, h=1.5)
fluids.jet_pump.liquid_jet_pump_ancillary(rhop=998.0, rhos=1098.0, Kp=0.0, Ks=1.4, d_nozzle=0.0214, Qp=0.01, Qs=0.01, P2=133600.0, P1=426256.1)
fluids.particle_size_distribution.pdf_lognormal(d=1e-4, d_characteristic=1e-5, s=1.1)
chemicals.vapor_pressure.Antoine(T=100.0, A=8.7687, B=395.744, C=-6.469)
chemicals.vapor_pressure.Wagner(100.0, 190.53, 4596420.0, a=-6.00435, b=1.1885, c=-0.834082, d=-1.22833)
chemicals.vapor_pressure.Lee_Kesler(347.2, 617.1, 36e5, 0.299)
chemicals.vapor_pressure.Ambrose_Walton(347.25, 617.15, 36.09e5, 0.304)
chemicals.volume.Rackett(272.03889, 369.83, 4248000.0, 0.2763)
chemicals.volume.COSTALD(272.03889, 369.83333, 0.20008161e-3, 0.1532)
chemicals.volume.Yen_Woods_saturation(300.0, 647.14, 55.45e-6, 0.245)
chemicals.viscosity.Letsou_Stiel(400.0, 46.07, 516.25, 6.383e6, 0.6371)
chemicals.viscosity.Lucas(300.0, 500e5, 572.2, 34.7e5, 0.236, 0.0, 0.00068)
chemicals.viscosity.Yoon_Thodos(300.0, 190.5, 4.6e6, 16.04)
chemicals.thermal_conductivity.Sato_Riedel(300.0, 47.0, 390.0, 520.0)
chemicals.thermal_conductivity.Lakshmi_Prasad(273.15, 100.0)
chemicals.thermal_conductivity.Chung(T=300.0, MW=28.9634, Tc=132.92, omega=0.035, Cvm=20.8, mu=1.8e-5)
chemicals.interface.Brock_Bird(293.15, 404.75, 633.0, 4530000.0)
chemicals.interface.Pitzer_sigma(293.0, 633.0, 4530000.0, 0.249)
chemicals.heat_capacity.TRCCp(300.0, 4.0, 7.65e5, 720.0, 3.565, -0.052, -1.55e6, 52.0, 201.0)
chemicals.heat_capacity.Shomate(300.0, 30.09, 6.832514, 6.793435, -2.53448, 0.082139)
chemicals.virial.BVirial_Pitzer_Curl(510.0, 425.2, 38e5, 0.193)
chemicals.virial.BVirial_Tsonopoulos_extended(430.0, 405.65, 11.28e6, 0.252608, a=-0.0109, b=0.5, species_type="ketone", dipole=1.469)
chemicals.rachford_rice.Rachford_Rice_solution([0.5, 0.3, 0.2], [1.685, 0.742, 0.532])[0]
chemicals.iapws.iapws95_rho(T=300.0, P=1e6)
chemicals.iapws.iapws97_rho(648.6, 22.5e6)
chemicals.iapws.iapws95_Psat(400.0)
chemicals.acentric.LK_omega(425.6, 631.1, 32.1e5)
chemicals.air.lemmon2000_rho(T=300.0, P=1e5)
chemicals.refractivity.brix_to_RI(5.8)
ht.core.LMTD(100.0, 60.0, 30.0, 40.2)
ht.conv_internal.turbulent_Gnielinski(Re=1e5, Pr=1.2, fd=0.0185)
ht.conv_internal.Nu_conv_internal(Re=1e5, Pr=0.7)
ht.conv_external.Nu_external_cylinder(723.0, 0.7)
ht.conv_free_immersed.Nu_sphere_Churchill(0.7, 1e7)
ht.boiling_nucleic.Rohsenow(rhol=957.854, rhog=0.595593, mul=2.79e-4, kl=0.680, Cpl=4217.0, Hvap=2.257e6, sigma=0.0589, Te=4.9, Csf=0.011, n=1.26)
ht.hx.effectiveness_from_NTU(NTU=5.0, Cr=0.7, subtype="crossflow approximate")
ht.hx.NTU_from_effectiveness(effectiveness=0.7, Cr=0.7, subtype="crossflow")
ht.radiation.blackbody_spectral_radiance(800.0, 4e-6)
ht.air_cooler.Ft_aircooler(Thi=125.0, Tho=45.0, Tci=25.0, Tco=95.0, Ntp=1, rows=4)
ht.condensation.Boyko_Kruzhilin(m=0.35, rhog=6.36, rhol=582.9, kl=0.098, mul=159e-6, Cpl=2520.0, D=0.03, x=0.85)
ht.conduction.R_cylinder(0.9, 1.0, 20.0, 10.0)
ht.boiling_flow.Liu_Winterton(m=1.0, x=0.4, D=0.3, rhol=567.0, rhog=18.09, kl=0.086, mul=156e-6, Cpl=2300.0, P=1e6, Pc=22e6, MW=44.02, Te=7.0)
psychrolib.GetSatVapPres(25.0)
psychrolib.GetTWetBulbFromRelHum(25.0, 0.5, 101325.0)
psychrolib.GetTDewPointFromRelHum(25.0, 0.5)
psychrolib.GetHumRatioFromTWetBulb(25.0, 18.0, 101325.0)
psychrolib.GetMoistAirEnthalpy(25.0, 0.01)
psychrolib.GetTDryBulbFromEnthalpyAndHumRatio(50000.0, 0.01)
psychrolib.GetStandardAtmPressure(1000.0)
psychrolib.GetMoistAirVolume(25.0, 0.01, 101325.0)
iapws._iapws._Viscosity(998.0, 298.15)
iapws._iapws._ThCond(998.0, 298.15)
iapws._iapws._Tension(300.0)
iapws.iapws97._Region1(500.0, 3.0)["h"]
iapws.iapws97._PSat_T(400.0)
iapws.iapws97._TSat_P(2.0)
iapws.iapws97._Region2(600.0, 1.0)["v"]
iapws.iapws97.IAPWS97(T=400.0, P=1.0).h
iapws._iapws._Dielectric(998.0, 298.15)
thermo.eos.PR(T=300.0, P=1e6, Tc=507.6, Pc=3025000.0, omega=0.2975).V_l
thermo.eos.SRK(T=500.0, P=1e6, Tc=507.6, Pc=3025000.0, omega=0.2975).V_g
pvlib.atmosphere.pres2alt(95000.0)
pvlib.atmosphere.alt2pres(500.0)
pvlib.atmosphere.get_relative_airmass(60.0)
pvlib.atmosphere.gueymard94_pw(25.0, 50.0)
pvlib.atmosphere.kasten96_lt(1.5, 2.0, 0.1)
pvlib.irradiance.aoi(30.0, 180.0, 60.0, 170.0)
pvlib.irradiance.aoi_projection(30.0, 180.0, 60.0, 170.0)
pvlib.irradiance.isotropic(30.0, 100.0)
pvlib.irradiance.haydavies(30.0, 180.0, 100.0, 500.0, 1300.0, 60.0, 170.0)
pvlib.irradiance.get_ground_diffuse(30.0, 500.0, 0.2)
pvlib.iam.ashrae(40.0)
pvlib.iam.physical(40.0)
pvlib.iam.martin_ruiz(40.0)
pvlib.temperature.sapm_cell(800.0, 25.0, 2.0, -3.56, -0.075, 3.0)
pvlib.temperature.pvsyst_cell(800.0, 25.0, 2.0)
pvlib.temperature.faiman(800.0, 25.0, 2.0)
pvlib.solarposition.declination_spencer71(120.0)
pvlib.solarposition.solar_zenith_analytical(0.6, 0.3, 0.2)
pvlib.pvsystem.pvwatts_dc(800.0, 40.0, 5000.0, -0.004)
pvlib.inverter.pvwatts(3000.0, 4000.0)
pvlib.singlediode.bishop88(20.0, 7.0, 1e-9, 0.5, 300.0, 1.5)[0]
pvlib.shading.masking_angle(30.0, 0.4, 0.5)
pymap3d.geodetic2ecef(42.0, -82.0, 200.0)[0]
pymap3d.ecef2geodetic(660675.25, -4700948.68, 4245737.66)[0]
pymap3d.geodetic2enu(42.1, -81.0, 300.0, 42.0, -82.0, 200.0)[0]
pymap3d.geodetic2aer(42.1, -81.0, 300.0, 42.0, -82.0, 200.0)[1]
pymap3d.aer2geodetic(33.0, 70.0, 1000.0, 42.0, -82.0, 200.0)[0]
pymap3d.vincenty.vdist(42.0, -82.0, 42.3, -81.5)[0]
pymap3d.haversine.anglesep(10.0, 20.0, 12.0, 25.0)
pymap3d.latitude.geodetic2isometric(42.0)
pymap3d.latitude.geodetic2authalic(42.0)
haversine.haversine((45.7597, 4.8422), (48.8567, 2.3508))
haversine.inverse_haversine((45.7597, 4.8422), 32.0, 0.7)[0]
option_calculator.BSM().theo(100.0, 105.0, 0.2, 1.0, "C", r=0.02)
option_calculator.BSM().delta(100.0, 105.0, 0.2, 1.0, "P", r=0.02)
option_calculator.BSM().theo(100.0, 95.0, 0.3, 0.5, "P", r=0.0)
geopy.distance.great_circle((52.2296756, 21.0122287), (52.406374, 16.9251681)).km
astral.sun.sun_apparent_long(0.2)
astral.sun.eq_of_time(0.2)
astral.sun.refraction_at_zenith(80.0)
astral.moon.moon_mean_longitude(0.2)
colorspacious.cspace_convert([0.3, 0.5, 0.2], "sRGB1", "CIELab")[0]
meteocalc.heat_index(85.5, 70.3).f
meteocalc.wind_chill(30.0, 12.5).f
meteocalc.dew_point(20.5, 55.0).c
thermofeel.thermofeel.calculate_relative_humidity_percent(300.0, 290.0)
thermofeel.thermofeel.calculate_bgt(300.0, 310.0, 2.5)
thermofeel.thermofeel.calculate_apparent_temperature(300.0, 2.5, 60.0)
numpy_financial.fv(0.004, 120.0, -100.0, -100.0)
numpy_financial.pmt(0.00625, 180.0, 200000.0)
numpy_financial.nper(0.006, -150.0, 8000.0)
numpy_financial.rate(10.0, 0.0, -3500.0, 10000.0)
transforms3d.euler.euler2mat(0.1, 0.2, 0.3)[0, 1]
transforms3d.euler.euler2quat(0.1, 0.2, 0.3)[1]
transforms3d.axangles.axangle2mat([0.1, 0.8, 0.3], 0.6)[1, 2]
pyquaternion.Quaternion(0.9, 0.1, 0.2, 0.3).rotate((1.0, 2.0, 3.0))[0]
pyquaternion.Quaternion(axis=[0.1, 0.8, 0.3], angle=0.6).elements[0]
ahrs.common.orientation.q_prod([0.9, 0.1, 0.2, 0.3], [0.1, 0.8, 0.2, 0.3])[2]
ahrs.common.frames.geodetic2ecef(48.8, 11.4, 500.0)[0]
filterpy.common.Q_discrete_white_noise(2, 0.1, 3.0)[0, 1]
filterpy.stats.gaussian(1.2, 1.0, 0.5)
euclid3.Quaternion.new_rotate_euler(0.1, 0.2, 0.3).w
utm.from_latlon(51.2, 7.5)[0]
utm.to_latlon(340000.0, 5710000.0, 32, "U")[0]
pyXSteam.RegionBorders.B23p_T(700.0)
pyXSteam.IAPWS_R4.myHW_rhoT_R4(1100.0, 300.0)
nvector.lat_lon2n_E(0.5, 0.2)[0][0]
navpy.angle2quat(0.1, 0.2, 0.3)[0]
navpy.lla2ecef(40.0, -70.0, 100.0)[0]
navpy.earthrad(40.5)[0]
seawater.eos80.dens(35.0, 10.0, 1000.0)
seawater.eos80.svel(35.0, 10.0, 1000.0)
seawater.eos80.ptmp(35.0, 10.0, 1000.0, 0.0)
ambiance.Atmosphere(5000.0).temperature[0]
ambiance.Atmosphere(5000.0).pressure[0]
colorzero.conversions.rgb_to_xyz(0.2, 0.4, 0.6)[1]
coloraide.Color("srgb", [0.2, 0.4, 0.6]).convert("oklab")[0]
hsluv.rgb_to_hsluv((0.2, 0.4, 0.6))[0]
pymeeus.Angle.Angle(23.5).rad()
isacalc.Atmosphere().calculate(5000.0)[1]
geographiclib.geodesic.Geodesic.WGS84.Inverse(40.6, -73.8, 51.6, -0.5)["s12"]
mibian.BS([100.0, 105.0, 2.0, 30.0], volatility=25.0).callPrice
numpy_financial.irr([-100.0, 39.0, 59.0, 55.0, 20.0])
pygeodesy.formy.haversine(52.2, 21.0, 52.4, 16.9)
pyciede2000.ciede2000((50.0, -80.0, 60.0), (52.0, -75.0, 55.0))["delta_E_00"]
blackscholes.BlackScholesCall(55.0, 50.0, 1.0, 0.0025, 0.15, 0.01).price()
blackscholes.BlackScholesPut(55.0, 50.0, 1.0, 0.0025, 0.15, 0.01).vanna()
blackscholes.Black76Call(55.0, 50.0, 1.0, 0.0025, 0.15).theta()
py_lets_be_rational.black(100.0, 105.0, 0.2, 1.0, 1)
py_lets_be_rational.implied_volatility_from_a_transformed_rational_guess(8.0, 100.0, 105.0, 1.0, 1)
squaternion.Quaternion.from_euler(10.0, 20.0, 30.0, degrees=True).x
squaternion.Quaternion(0.9, 0.1, 0.2, 0.3).to_euler()[1]
svgelements.Matrix.rotate(0.3).a
svgelements.CubicBezier((0.0, 0.0), (1.0, 2.0), (3.0, 3.0), (4.0, 0.5)).point(0.3).y
svgelements.Arc((0.0, 0.0), (3.0, 2.0), (1.0, 0.5), 0.3, 0.0, 1.0).point(0.4).x
solarpy.radiation.air_mass_young1994(0.5)
solarpy.utils.lla2ecef(40.0, -3.0, 500.0)[0]
solarpy.utils.pressure(1500.0)
easing_functions.ElasticEaseOut(0.0, 10.0, 2.0).ease(0.7)
pytweening.easeInOutElastic(0.3)
pytweening.getPointOnLine(0.0, 0.0, 5.0, 3.0, 0.4)[0]
lambert.convertToWGS84Deg(780886.0, 6980743.0, lambert.Lambert93).getX()
geodepy.convert.llh2xyz(-37.0, 145.0, 100.0)[0]
geodepy.convert.xyz2llh(-4130000.0, 2890000.0, -3890000.0)[0]
pysolar.radiation.get_air_mass_ratio(30.0)
bond_pricing.bond_price(mat=10.3, cpn=0.05, yld=0.06)
bond_pricing.annuity_pv(0.05, 10.0, 100.0)
bond_pricing.irr([-100.0, 39.0, 59.0, 55.0])
bond_pricing.nelson_siegel_zero_rate(0.05, 0.01, 0.02, 2.0, 3.0)
gpxpy.geo.haversine_distance(45.0, 7.0, 45.5, 7.5)
gpxpy.geo.get_course(45.0, 7.0, 45.5, 7.5)
helpers.sun_altitude(42.2, -71.4)
helpers.glicko(1500.0, 200.0, 0.06, 1400.0, 30.0)
helpers.skill(25.0, 8.3, 30.0, 7.0)
helpers.declination(80.0, 30.0, 10.0)
helpers.pid_output(1.0, 0.1, 0.05, 5.0, 3.0)
helpers.satellite(0.25, 0.1859667, 0.5980929187319, 0.0472294454407)
helpers.satellite_height(0.5, 0.1859667, 0.5980929187319, 0.0472294454407)
helpers.wet_bulb_excess(30.0, 0.4)
aerocalc3.std_atm.alt2density(20000.0)
aerocalc3.airspeed.cas2tas(250.0, 20000.0)
astronomy.SiderealTime(astronomy.Time(8000.3))
astronomy.HelioVector(astronomy.Body.Mars, astronomy.Time(8000.3)).x
astronomy.SearchSunLongitude(80.0, astronomy.Time(8000), 200).tt
basic_colormath.get_delta_e((40.0, 60.0, 30.0), (120.0, 80.0, 60.0))
great_circle_calculator.great_circle_calculator.distance_between_points((10.0, 40.0), (20.0, 30.0))
jetblack_options.european.black_scholes_merton.ivol(True, 100.0, 100.0, 0.5, 0.03, 0.01, 6.0)
jetblack_options.american.barone_adesi_whaley.price(False, 100.0, 104.0, 0.5, 0.03, 0.02, 0.2)
ratecurves.Bond(100.0, 0.05, 10).price_from_ytm(0.045)
ratecurves.Bond(100.0, 0.04, 7).price_from_curve(ratecurves.YieldCurve([1, 2, 5, 10], [0.02, 0.025, 0.03, 0.032]))
gasdyn.solve_isentropic(area_ratio=2.5, gamma=1.4, branch="supersonic").mach
quantities.Quantity(3.0, "m").__truediv__(quantities.Quantity(2.0, "s")).rescale("km/hour").magnitude.item()
periodictable.xray_sld("SiO2", density=2.0, energy=8.5)[0]
"""


def pid_output(kp: Any, ki: Any, kd: Any, setpoint: Any, measured: Any) -> Any:
    """The third output of a PID controller."""
    from simple_pid import PID

    pid = PID(kp, ki, kd, setpoint=setpoint, sample_time=None)
    for step in (0.1, 0.2, 0.3):
        output = pid(measured, dt=step)
        measured = measured + step * output
    return output


def satellite(days: Any, eccentricity: Any, inclination: Any, motion: Any) -> Any:
    """A coordinate of a satellite, in km, some days after its epoch."""
    return _satellite(days, eccentricity, inclination, motion)[0]


def satellite_height(days: Any, eccentricity: Any, inclination: Any, motion: Any) -> Any:
    x, y, z = _satellite(days, eccentricity, inclination, motion)
    return (x**2 + y**2 + z**2) ** 0.5


def _satellite(days: Any, eccentricity: Any, inclination: Any, motion: Any) -> Any:
    from sgp4.model import WGS72, Satrec

    satellite = Satrec()
    elements = (
        eccentricity,
        5.7904160274885,
        inclination,
        0.3373093125574,
        motion,
        6.0863854713832,
    )
    satellite.sgp4init(WGS72, "i", 5, 18441.785, 2.8098e-05, 6.969196665e-13, 0.0, *elements)
    error, position, _ = satellite.sgp4_tsince(days * 1440.0)
    assert error == 0
    return position


def wet_bulb_excess(dry: Any, humidity: Any) -> Any:
    import psychrolib

    psychrolib.SetUnitSystem(psychrolib.SI)
    return dry - psychrolib.GetTWetBulbFromRelHum(dry, humidity, 101325.0)


def sun_altitude(latitude: Any, longitude: Any) -> Any:
    from pysolar.solar import get_altitude

    return get_altitude(latitude, longitude, datetime(2020, 5, 17, 15, tzinfo=timezone.utc))


def glicko(rating: Any, deviation: Any, volatility: Any, other: Any, other_deviation: Any) -> Any:
    """A player's rating and its deviation after a game that was won."""
    from glicko2 import Player

    player = Player(rating, deviation, volatility)
    player.update_player([other], [other_deviation], [1])
    return player.rating + player.rd


def skill(mu: Any, sigma: Any, other_mu: Any, other_sigma: Any) -> Any:
    """What becomes of two players' skill when the first one wins."""
    from trueskill import Rating, rate_1vs1

    winner, loser = rate_1vs1(Rating(mu, sigma), Rating(other_mu, other_sigma))
    return winner.mu + winner.sigma + loser.mu


def declination(latitude: Any, longitude: Any, height: Any) -> Any:
    """Of the compass."""
    from pygeomag import GeoMag

    model = GeoMag(coefficients_file="wmm/WMM_2025.COF")
    return model.calculate(glat=latitude, glon=longitude, alt=height, time=2025.5).d


HELPERS = (
    pid_output,
    satellite,
    satellite_height,
    wet_bulb_excess,
    sun_altitude,
    glicko,
    skill,
    declination,
)


class Entry(NamedTuple):
    """An expression as a function of a list of numbers, plain and lifted."""

    text: str
    package: str
    plain: Callable[[Sequence[Any]], Any]
    lifted: Callable[[Sequence[Any]], Any]
    point: list[float]


class _Floats(ast.NodeTransformer):
    """Puts inputs in the place of floats."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def visit_Constant(self, node: ast.Constant) -> Any:
        if type(node.value) is not float:
            return node
        self.found.append(node.value)
        index = ast.Constant(len(self.found) - 1)
        return ast.Subscript(ast.Name("x", ast.Load()), index, ast.Load())


def entry(text: str) -> Entry:
    """An expression's functions; its modules are imported.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    package, *_ = text.partition(".")
    floats = _Floats()
    body = floats.visit(ast.parse(text.strip(), mode="eval").body)
    arguments = ast.arguments([], [ast.arg("x")], None, [], [], None, [])
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
    code = compile(tree, text, "eval")
    plain, lifted = _modules(package, text)
    return Entry(
        text, package, eval(code, {package: plain}), eval(code, {package: lifted}), floats.found
    )


class _Helpers:
    def __init__(self, make: Callable[[Any], Any]) -> None:
        for f in HELPERS:
            setattr(self, f.__name__, make(f))


def _modules(package: str, text: str) -> tuple[Any, Any]:
    """The package of an expression, as it is and lifted, with the modules that the expression names."""
    if package == "helpers":
        return _Helpers(lambda f: f), _Helpers(pygrad.lift)
    plain, lifted = importlib.import_module(package), pygrad.lift(package)
    path = text.partition("(")[0].split(".")
    for depth in range(2, len(path)):
        name = ".".join(path[:depth])
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            break  # a class
        pygrad.lift(name)
    if package == "psychrolib":
        plain.SetUnitSystem(plain.SI)
        lifted.SetUnitSystem(plain.SI)
    return plain, lifted
